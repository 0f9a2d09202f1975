//! The connections of the management port. They are all on one thread.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use tokio::sync::Notify;

/// The open connections. Clones share them.
#[derive(Clone)]
pub(super) struct ManagementConnections(Rc<Inner>);

struct Inner {
    most: usize,
    next: Cell<u64>,
    /// In the order in which they were opened.
    open: RefCell<VecDeque<(u64, Rc<Notify>)>>,
}

/// A connection that is open until this is dropped.
pub(super) struct OpenConnection {
    connections: ManagementConnections,
    number: u64,
    evicted: Rc<Notify>,
}

impl ManagementConnections {
    /// Keeps `most` connections open.
    pub(super) fn at_most(most: usize) -> Self {
        Self(Rc::new(Inner { most, next: Cell::new(0), open: RefCell::default() }))
    }

    /// Counts a connection that was just accepted. If there are too many, the one that was opened first is evicted.
    pub(super) fn admit(&self) -> OpenConnection {
        let (number, evicted) = (self.0.next.get(), Rc::new(Notify::new()));
        self.0.next.set(number + 1);
        let mut open = self.0.open.borrow_mut();
        if open.len() >= self.0.most
            && let Some((_, first)) = open.pop_front()
        {
            first.notify_one();
        }
        open.push_back((number, Rc::clone(&evicted)));
        OpenConnection { connections: self.clone(), number, evicted }
    }
}

impl OpenConnection {
    /// Completes when the connection is to be closed for the sake of a later one.
    pub(super) async fn evicted(&self) {
        self.evicted.notified().await;
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.connections.0.open.borrow_mut().retain(|(number, _)| *number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::{ManagementConnections, OpenConnection};

    fn is_evicted(open: &OpenConnection) -> bool {
        pin!(open.evicted()).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn those_that_were_opened_first_leave_when_there_are_too_many() {
        let connections = ManagementConnections::at_most(2);
        let [first, second] = [connections.admit(), connections.admit()];
        assert!(!is_evicted(&first) && !is_evicted(&second));
        drop(first);
        let third = connections.admit();
        assert!(!is_evicted(&second) && !is_evicted(&third));
        let fourth = connections.admit();
        assert!(is_evicted(&second) && !is_evicted(&third) && !is_evicted(&fourth));
        drop((second, third, fourth));
        assert!(connections.0.open.borrow().is_empty());
    }
}
