//! What lets bytes of a connection through: heads at once, bodies when somebody wants them.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Waker};

/// The valve of a connection. Clones are the same valve.
#[derive(Clone, Default)]
pub(crate) struct Valve(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    flow: Flow,
    waiting: Option<Waker>,
}

enum Flow {
    /// The head of a request comes through, and then no more.
    Head(HeadEnd),
    /// So many bytes of a body come through.
    Body(usize),
}

impl Default for Flow {
    fn default() -> Self {
        Self::Head(HeadEnd::default())
    }
}

impl Valve {
    /// Lets so many bytes of the body through.
    pub(crate) fn admit_body(&self, bytes: usize) {
        self.turn(Flow::Body(bytes));
    }

    /// Lets the head of the next request through.
    pub(crate) fn admit_head(&self) {
        self.turn(Flow::default());
    }

    /// How many bytes may be read now; if none, the task is woken once that changes.
    pub(crate) fn admitted(&self, context: &Context<'_>) -> Option<usize> {
        let mut state = self.0.borrow_mut();
        match state.flow {
            Flow::Head(_) => Some(usize::MAX),
            Flow::Body(0) => {
                state.waiting = Some(context.waker().clone());
                None
            }
            Flow::Body(bytes) => Some(bytes),
        }
    }

    /// How many of `bytes`, which come next, are let through.
    pub(crate) fn pass(&self, bytes: &[u8]) -> usize {
        let mut state = self.0.borrow_mut();
        match &mut state.flow {
            Flow::Head(end) => match end.find(bytes) {
                Some(length) => {
                    state.flow = Flow::Body(0);
                    length
                }
                None => bytes.len(),
            },
            Flow::Body(admitted) => {
                let passed = bytes.len().min(*admitted);
                *admitted -= passed;
                passed
            }
        }
    }

    fn turn(&self, flow: Flow) {
        let mut state = self.0.borrow_mut();
        state.flow = flow;
        if let Some(waiting) = state.waiting.take() {
            waiting.wake();
        }
    }
}

/// Looks for the empty line behind a head. Empty lines before it do not count: actix skips them too.
#[derive(Default)]
struct HeadEnd {
    has_begun: bool,
    is_in_line: bool,
}

impl HeadEnd {
    /// Where the head ends in `bytes`, which follow those that were seen before.
    fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        for (index, byte) in bytes.iter().enumerate() {
            match byte {
                b'\n' if self.is_in_line => self.is_in_line = false,
                b'\n' if self.has_begun => return Some(index + 1),
                b'\r' | b'\n' => {}
                _ => (self.has_begun, self.is_in_line) = (true, true),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{HeadEnd, Valve};
    use std::task::{Context, Waker};

    #[test]
    fn a_head_ends_at_its_empty_line_however_it_is_cut() {
        for head in ["GET / HTTP/1.1\r\nhost: x\r\n\r\n", "\r\n\r\nGET / HTTP/1.1\n\n", "GET / HTTP/1.1\r\na:\r\n\n"] {
            let bytes = format!("{head}[]\r\n\r\n").into_bytes();
            for cut in 0..head.len() {
                let mut end = HeadEnd::default();
                assert_eq!(end.find(&bytes[..cut]), None, "{head:?}");
                assert_eq!(end.find(&bytes[cut..]), Some(head.len() - cut), "{head:?}");
            }
        }
    }

    #[test]
    fn a_body_comes_through_as_far_as_it_is_wanted() {
        let valve = Valve::default();
        let context = Context::from_waker(Waker::noop());
        assert_eq!(valve.pass(b"GET / HTTP/1.1\r\n\r\n[]"), 18);
        assert_eq!(valve.admitted(&context), None);
        assert_eq!(valve.pass(b"[]"), 0);
        valve.admit_body(1);
        assert_eq!((valve.admitted(&context), valve.pass(b"[]"), valve.admitted(&context)), (Some(1), 1, None));
        valve.admit_head();
        assert_eq!(valve.pass(b"GET /"), 5);
    }
}
