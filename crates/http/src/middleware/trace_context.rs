//! The context of a trace (W3C Trace Context): which trace a request belongs to, and which span of it called.

use std::fmt;

use actix_web::http::header::{HeaderMap, HeaderName};
use tracing::Span;

/// The header by which callers say which trace a request belongs to.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The header of the answer that says which span answered (W3C Trace Response Headers).
pub(crate) const TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");

/// A span of a trace, as `traceparent` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The id of the trace, which is not zero.
    pub trace_id: u128,
    /// The id of the span, which is not zero.
    pub span_id: u64,
    /// Whether the caller keeps the trace.
    pub is_sampled: bool,
}

/// Joins spans to the traces of the callers. Where there is none, spans are not exported.
pub trait TraceLinks: Send + Sync {
    /// Makes `span`, which was just created, a child of `parent`, or else the root of a trace of its own, and returns its context. `None`: it is not
    /// part of any trace.
    fn join(&self, span: &Span, parent: Option<TraceContext>) -> Option<TraceContext>;
}

impl TraceContext {
    /// The context in the headers of a request. One that is not valid, or is given more than once, is ignored, as the specification asks.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT);
        match (values.next(), values.next()) {
            (Some(value), None) => Self::parse(value.to_str().ok()?),
            _ => None,
        }
    }

    /// Reads version 00, and what later versions begin with (W3C Trace Context, section 3.2).
    fn parse(text: &str) -> Option<Self> {
        let (version, rest) = text.split_once('-')?;
        let (trace_id, rest) = rest.split_once('-')?;
        let (span_id, rest) = rest.split_once('-')?;
        let flags = match rest.split_once('-') {
            Some((flags, _)) if version != "00" => flags,
            Some(_) => return None,
            None => rest,
        };
        let (version, flags) = (hex(version, 2)?, hex(flags, 2)?);
        let (trace_id, span_id) = (hex(trace_id, 32)?, u64::try_from(hex(span_id, 16)?).ok()?);
        let is_valid = version != 0xff && trace_id != 0 && span_id != 0;
        is_valid.then_some(Self { trace_id, span_id, is_sampled: flags & 1 == 1 })
    }

    /// The id of the trace as `traceparent` has it.
    pub(crate) fn trace_id(&self) -> impl fmt::Display + use<> {
        let trace_id = self.trace_id;
        fmt::from_fn(move |formatter| write!(formatter, "{trace_id:032x}"))
    }
}

/// As `traceparent` has it.
impl fmt::Display for TraceContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, u8::from(self.is_sampled))
    }
}

/// The number that exactly so many digits write, which are lower case.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex =
        text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    is_hex.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderMap, HeaderValue};

    use super::{TRACEPARENT, TraceContext};

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn of(values: &[&str]) -> Option<TraceContext> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(TRACEPARENT, HeaderValue::from_str(value).unwrap());
        }
        TraceContext::of(&headers)
    }

    #[test]
    fn what_is_valid_is_read_and_written_as_it_was() {
        let context = of(&[VALID]).unwrap();
        assert_eq!(
            context,
            TraceContext {
                trace_id: 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736,
                span_id: 0x00f0_67aa_0ba9_02b7,
                is_sampled: true
            }
        );
        assert_eq!(context.to_string(), VALID);
        assert_eq!(context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        for (flags, is_sampled) in [("00", false), ("02", false), ("03", true), ("ff", true)] {
            assert_eq!(of(&[&VALID.replace("-01", &format!("-{flags}"))]).unwrap().is_sampled, is_sampled);
        }
        for later in
            ["cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes", &VALID.replacen("00", "fe", 1)]
        {
            assert_eq!(of(&[later]), Some(context), "{later}");
        }
    }

    #[test]
    fn what_is_not_valid_is_ignored() {
        for wrong in [
            "",
            "-",
            "---",
            "00",
            &VALID[..54],
            &VALID[3..],
            &format!("{VALID}-"),
            &format!("{VALID}-00"),
            &format!("{VALID}0"),
            &format!(" {}", &VALID[..54]),
            &VALID.to_uppercase(),
            &VALID.replacen("00", "ff", 1),
            &VALID.replacen("00", "0", 1),
            &VALID.replacen("00", "0x", 1),
            &VALID.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &VALID.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &VALID.replace("4bf9", "4bg9"),
            &VALID.replace("4bf9", "+bf9"),
            &VALID.replace("-01", "-0g"),
            &VALID.replace('-', "_"),
            "00-4bf92f3577b34da6a3ce929d0e0e47365-00f067aa0ba902b-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
        ] {
            assert_eq!(of(&[wrong]), None, "{wrong}");
        }
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[VALID, VALID]), None);
        let mut headers = HeaderMap::new();
        headers.append(TRACEPARENT, HeaderValue::from_bytes(b"00-\xff").unwrap());
        assert_eq!(TraceContext::of(&headers), None);
    }
}
