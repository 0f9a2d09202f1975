//! Writing the log line by line to a destination that may fail.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write};

use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};

/// The form of the line that reports losses: that of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LossReport {
    Json,
    Text,
    /// As text, in a log whose own lines hold the colours of a terminal.
    Coloured,
}

/// Writes whole lines to `destination`. A line that fails is lost and counted, and the number is reported before the next
/// line that can be written.
pub(crate) struct LineWriter<W> {
    destination: W,
    report: LossReport,
    lost: u64,
    /// Whether the last line was written in part.
    is_torn: bool,
}

impl<W: Write> LineWriter<W> {
    pub(crate) fn new(destination: W, report: LossReport) -> Self {
        Self { destination, report, lost: 0, is_torn: false }
    }

    /// Writes a line, after a report of `dropped` lines before it. Returns whether it was written.
    pub(crate) fn write(&mut self, line: &[u8], dropped: u64) -> bool {
        self.report(dropped);
        let is_written = self.lost == 0 && self.write_whole(line).is_ok();
        if !is_written {
            self.lost += 1;
        }
        is_written
    }

    /// Reports the number of lost lines, including `dropped` ones, unless it is zero.
    pub(crate) fn report(&mut self, dropped: u64) {
        self.lost += dropped;
        if self.lost > 0 && self.write_whole(self.report.line(self.lost).as_bytes()).is_ok() {
            self.lost = 0;
        }
    }

    fn write_whole(&mut self, line: &[u8]) -> io::Result<()> {
        if self.is_torn {
            self.write_part(b"\n")?;
            self.is_torn = false;
        }
        self.write_part(line)
    }

    fn write_part(&mut self, mut rest: &[u8]) -> io::Result<()> {
        while !rest.is_empty() {
            match self.destination.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    rest = rest.get(written..).unwrap_or_default();
                    self.is_torn = !rest.is_empty();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl LossReport {
    fn line(self, lost: u64) -> String {
        let mut time = String::new();
        // Writing to a string does not fail.
        let _ = SystemTime.format_time(&mut Writer::new(&mut time));
        let (message, target) = (format!("{lost} lines of this log were lost"), module_path!());
        let line = match self {
            Self::Json => format!(
                r#"{{"timestamp":"{time}","level":"WARN","message":"{message}","lost":{lost},"target":"{target}"}}"#
            ),
            Self::Text | Self::Coloured => format!("{time}  WARN {target}: {message} lost={lost}"),
        };
        line + "\n"
    }
}

/// Escapes line breaks and control characters as JSON does, so that an event is one line. The
/// colours of a log that has them are left; the formatter escapes such sequences in what they surround.
pub(crate) fn one_line(text: &[u8], report: LossReport) -> Vec<u8> {
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    let is_harmful = |next: char| match next {
        '\u{1b}' => report != LossReport::Coloured,
        // Ends of lines, and what changes the direction of the text around it.
        '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => true,
        _ => next.is_control(),
    };
    let may_be_harmful = |byte: &u8| !(b' '..0x7f).contains(byte);
    if !body.iter().any(may_be_harmful) {
        return text.to_vec();
    }
    let mut line = String::with_capacity(text.len());
    for next in String::from_utf8_lossy(body).chars() {
        if is_harmful(next) {
            // Writing to a string does not fail.
            let _ = write!(line, "\\u{:04x}", u32::from(next));
        } else {
            line.push(next);
        }
    }
    line.push('\n');
    line.into_bytes()
}

#[cfg(test)]
mod tests {
    use std::io::{self, BufRead as _, ErrorKind, Write};

    use super::{LineWriter, LossReport, one_line};

    /// A disk that has room for so many bytes.
    #[derive(Default)]
    struct Disk {
        room: usize,
        content: Vec<u8>,
    }

    impl Write for &mut Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let written = bytes.len().min(self.room);
            if written == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            self.room -= written;
            self.content.extend_from_slice(&bytes[..written]);
            Ok(written)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_torn_line_is_ended_and_losses_are_reported_once_there_is_room() {
        let mut disk = Disk { room: 12, ..Disk::default() };
        let mut writer = LineWriter::new(&mut disk, LossReport::Text);
        for line in ["the first\n", "the second\n", "the third\n"] {
            writer.write(line.as_bytes(), 0);
        }
        writer.destination.room = usize::MAX;
        writer.write(b"the fourth\n", 3);
        writer.write(b"the fifth\n", 0);
        let content = String::from_utf8(disk.content).unwrap();
        let lines: Vec<&str> = content.lines().collect();
        let [first, torn, report, fourth, fifth] = lines[..] else { panic!("{content}") };
        assert_eq!((first, torn, fourth, fifth), ("the first", "th", "the fourth", "the fifth"));
        let (_, report) = report.split_once(" WARN ").unwrap();
        assert_eq!(report, "guildhall::telemetry::lines: 5 lines of this log were lost lost=5");
    }

    #[test]
    fn losses_at_the_end_are_reported_by_a_flush() {
        let mut disk = Disk::default();
        let mut writer = LineWriter::new(&mut disk, LossReport::Json);
        writer.write(b"lost\n", 0);
        writer.destination.room = usize::MAX;
        writer.report(2);
        writer.report(0);
        let lines: Vec<serde_json::Value> =
            disk.content.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
        assert_eq!(lines.len(), 1);
        assert_eq!((&lines[0]["lost"], &lines[0]["level"]), (&3.into(), &"WARN".into()));
    }

    #[test]
    fn nothing_within_a_line_ends_it_or_steers_a_terminal() {
        let forged = "a\nb\r\u{1b}[2J\u{9b}\u{7f}\u{2028}ü\n";
        let line = |report| String::from_utf8(one_line(forged.as_bytes(), report)).unwrap();
        assert_eq!(line(LossReport::Text), "a\\u000ab\\u000d\\u001b[2J\\u009b\\u007f\\u2028ü\n");
        assert_eq!(line(LossReport::Coloured), "a\\u000ab\\u000d\u{1b}[2J\\u009b\\u007f\\u2028ü\n");
        assert_eq!(one_line(b"as it is\n", LossReport::Json), b"as it is\n");
    }
}
