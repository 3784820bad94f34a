//! Messages as bytes: `u32 little-endian payload length`, `u8 kind`, payload. Structured payloads are JSON, data is raw.
//!
//! The decoder holds at most one frame: a length above [`MAX_PAYLOAD`] is an error before anything is allocated for it.

use serde::{Serialize, de::DeserializeOwned};

use crate::protocol::{FromHarness, MAX_PAYLOAD, ToHarness};

/// Bytes before each payload.
pub const HEADER: usize = 5;
/// Bytes of room that a decoder keeps while it has nothing to decode.
const KEPT: usize = 16 * 1024;

/// The other end does not speak this protocol, or not any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A length that no frame may have.
    #[error("a frame of {0} bytes; at most {MAX_PAYLOAD} are allowed")]
    TooLong(usize),
    /// A kind that this direction does not know.
    #[error("unknown frame kind {0:#04x}")]
    UnknownKind(u8),
    /// A payload that is not what its kind says.
    #[error("the payload of a frame of kind {kind:#04x} is not valid: {why}")]
    BadPayload {
        /// The frame's kind.
        kind: u8,
        /// What is wrong with it.
        why: String,
    },
}

/// A message of one direction.
pub trait Message: Sized {
    /// Appends the message as one frame. Payloads above [`MAX_PAYLOAD`] are the caller's mistake and come out as an
    /// error; senders cut data into pieces before.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), FrameError>;
    /// Reads a payload of a kind.
    fn decode(kind: u8, payload: &[u8]) -> Result<Self, FrameError>;
}

fn frame(out: &mut Vec<u8>, kind: u8, payload: &[u8]) -> Result<(), FrameError> {
    let len = u32::try_from(payload.len()).ok().filter(|_| payload.len() <= MAX_PAYLOAD);
    let len = len.ok_or(FrameError::TooLong(payload.len()))?;
    out.extend_from_slice(&len.to_le_bytes());
    out.push(kind);
    out.extend_from_slice(payload);
    Ok(())
}

fn json_frame<T: Serialize>(out: &mut Vec<u8>, kind: u8, value: &T) -> Result<(), FrameError> {
    let payload = serde_json::to_vec(value).map_err(|e| FrameError::BadPayload { kind, why: e.to_string() })?;
    frame(out, kind, &payload)
}

fn json<T: DeserializeOwned>(kind: u8, payload: &[u8]) -> Result<T, FrameError> {
    serde_json::from_slice(payload).map_err(|e| FrameError::BadPayload { kind, why: e.to_string() })
}

fn empty<T>(kind: u8, payload: &[u8], message: T) -> Result<T, FrameError> {
    if payload.is_empty() {
        Ok(message)
    } else {
        Err(FrameError::BadPayload { kind, why: "it must be empty".to_owned() })
    }
}

impl Message for ToHarness {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), FrameError> {
        match self {
            Self::Exec(request) => json_frame(out, 0x01, request),
            Self::Stdin(bytes) => frame(out, 0x02, bytes),
            Self::StdinEnd => frame(out, 0x03, &[]),
            Self::Put(header) => json_frame(out, 0x04, header),
            Self::PutData(bytes) => frame(out, 0x05, bytes),
            Self::Fetch(request) => json_frame(out, 0x06, request),
            Self::Clean => frame(out, 0x07, &[]),
            Self::Kill => frame(out, 0x08, &[]),
            Self::Ping => frame(out, 0x09, &[]),
            Self::Serve(request) => json_frame(out, 0x0a, request),
            Self::Ask(request) => json_frame(out, 0x0b, request),
            Self::AskData(bytes) => frame(out, 0x0c, bytes),
            Self::PutBuild(header) => json_frame(out, 0x0d, header),
            Self::Resize(size) => json_frame(out, 0x0e, size),
            Self::Credit(credit) => json_frame(out, 0x0f, credit),
        }
    }

    fn decode(kind: u8, payload: &[u8]) -> Result<Self, FrameError> {
        match kind {
            0x01 => json(kind, payload).map(Self::Exec),
            0x02 => Ok(Self::Stdin(payload.to_vec())),
            0x03 => empty(kind, payload, Self::StdinEnd),
            0x04 => json(kind, payload).map(Self::Put),
            0x05 => Ok(Self::PutData(payload.to_vec())),
            0x06 => json(kind, payload).map(Self::Fetch),
            0x07 => empty(kind, payload, Self::Clean),
            0x08 => empty(kind, payload, Self::Kill),
            0x09 => empty(kind, payload, Self::Ping),
            0x0a => json(kind, payload).map(Self::Serve),
            0x0b => json(kind, payload).map(Self::Ask),
            0x0c => Ok(Self::AskData(payload.to_vec())),
            0x0d => json(kind, payload).map(Self::PutBuild),
            0x0e => json(kind, payload).map(Self::Resize),
            0x0f => json(kind, payload).map(Self::Credit),
            _ => Err(FrameError::UnknownKind(kind)),
        }
    }
}

impl Message for FromHarness {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), FrameError> {
        match self {
            Self::Hello(hello) => json_frame(out, 0x81, hello),
            Self::Started => frame(out, 0x82, &[]),
            Self::Stdout(bytes) => frame(out, 0x83, bytes),
            Self::Stderr(bytes) => frame(out, 0x84, bytes),
            Self::Exit(result) => json_frame(out, 0x85, result),
            Self::File(header) => json_frame(out, 0x86, header),
            Self::FileData(bytes) => frame(out, 0x87, bytes),
            Self::FetchEnd(end) => json_frame(out, 0x88, end),
            Self::Cleaned(cleaned) => json_frame(out, 0x89, cleaned),
            Self::Pong => frame(out, 0x8a, &[]),
            Self::Served(served) => json_frame(out, 0x8b, served),
            Self::Answer(bytes) => frame(out, 0x8c, bytes),
            Self::Answered(answered) => json_frame(out, 0x8d, answered),
            Self::Taken(taken) => json_frame(out, 0x8e, taken),
            Self::Fault(fault) => json_frame(out, 0x8f, fault),
            Self::Report(bytes) => frame(out, 0x98, bytes),
        }
    }

    fn decode(kind: u8, payload: &[u8]) -> Result<Self, FrameError> {
        match kind {
            0x81 => json(kind, payload).map(Self::Hello),
            0x82 => empty(kind, payload, Self::Started),
            0x83 => Ok(Self::Stdout(payload.to_vec())),
            0x84 => Ok(Self::Stderr(payload.to_vec())),
            0x85 => json(kind, payload).map(Self::Exit),
            0x86 => json(kind, payload).map(Self::File),
            0x87 => Ok(Self::FileData(payload.to_vec())),
            0x88 => json(kind, payload).map(Self::FetchEnd),
            0x89 => json(kind, payload).map(Self::Cleaned),
            0x8a => empty(kind, payload, Self::Pong),
            0x8b => json(kind, payload).map(Self::Served),
            0x8c => Ok(Self::Answer(payload.to_vec())),
            0x8d => json(kind, payload).map(Self::Answered),
            0x8e => json(kind, payload).map(Self::Taken),
            0x8f => json(kind, payload).map(Self::Fault),
            0x98 => Ok(Self::Report(payload.to_vec())),
            _ => Err(FrameError::UnknownKind(kind)),
        }
    }
}

/// Encodes a message as one frame at the end of `out`.
pub fn encode<M: Message>(message: &M, out: &mut Vec<u8>) -> Result<(), FrameError> {
    message.encode(out)
}

/// Turns bytes that arrive in any pieces into messages.
#[derive(Debug)]
pub struct Decoder<M> {
    buffer: Vec<u8>,
    /// Bytes of `buffer` that were used already.
    start: usize,
    direction: std::marker::PhantomData<M>,
}

impl<M: Message> Default for Decoder<M> {
    fn default() -> Self {
        Self { buffer: Vec::new(), start: 0, direction: std::marker::PhantomData }
    }
}

impl<M: Message> Decoder<M> {
    /// An empty decoder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes. Call [`Decoder::next`] until it has no more before pushing again, and the buffer stays within one
    /// frame and one push.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message, if there is one. After an error the stream is useless.
    #[allow(clippy::should_implement_trait, reason = "fallible, and `None` is not the end")]
    pub fn next(&mut self) -> Result<Option<M>, FrameError> {
        let rest = &self.buffer[self.start..];
        let Some((header, rest)) = rest.split_first_chunk::<HEADER>() else {
            self.rest();
            return Ok(None);
        };
        let len = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
        if len > MAX_PAYLOAD {
            return Err(FrameError::TooLong(len));
        }
        let Some(payload) = rest.get(..len) else { return Ok(None) };
        let message = M::decode(header[4], payload)?;
        self.start += HEADER + len;
        Ok(Some(message))
    }

    /// With nothing left to decode, whoever waits for more holds no room that only a flood needs.
    fn rest(&mut self) {
        if self.start == self.buffer.len() {
            self.start = 0;
            self.buffer.clear();
            self.buffer.shrink_to(KEPT);
        }
    }

    /// Bytes waiting for the rest of their frame.
    pub fn pending(&self) -> usize {
        self.buffer.len() - self.start
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::protocol::{
        Answered, AskRequest, Cleaned, Credit, ExecLimits, ExecRequest, ExecResult, Fault, FetchEnd, FetchRequest,
        FileHeader, Hello, Joined, Role, ServeRequest, Served, Stop, Taken, TerminalRequest, WindowSize,
    };

    fn to_harness() -> impl Strategy<Value = ToHarness> {
        let limits =
            (any::<u64>(), any::<u64>(), any::<u64>(), any::<Option<u64>>()).prop_map(|(a, b, c, stack_bytes)| {
                ExecLimits { cpu_ms: a, wall_ms: b, output_bytes: c, file_bytes: a, open_files: b, stack_bytes }
            });
        let exec = (any::<bool>(), prop::collection::vec(any::<String>(), 1..4), any::<String>(), limits).prop_map(
            |(compiler, argv, cwd, limits)| {
                let role = if compiler { Role::Compiler } else { Role::Program };
                let env = BTreeMap::from([("A".to_owned(), cwd.clone())]);
                let [rows, cols, ..] = limits.wall_ms.to_le_bytes().map(u16::from);
                let size = WindowSize { cols, rows };
                let terminal = compiler.then_some(TerminalRequest { size, window: limits.cpu_ms });
                let report = (!compiler).then_some(limits.cpu_ms);
                let joined =
                    compiler.then(|| Joined { input: cwd.clone(), output: cwd.clone(), to_the_end: report.is_some() });
                ToHarness::Exec(ExecRequest { role, argv, env, cwd, limits, terminal, report, joined })
            },
        );
        let serve =
            (prop::collection::vec(any::<String>(), 1..4), any::<String>(), any::<u64>()).prop_map(|(argv, cwd, n)| {
                let env = BTreeMap::from([("A".to_owned(), cwd.clone())]);
                ToHarness::Serve(ServeRequest { argv, env, cwd, file_bytes: n, open_files: n, ready_ms: n })
            });
        prop_oneof![
            exec,
            serve,
            any::<[u64; 4]>().prop_map(|[len, cpu_ms, wall_ms, answer_bytes]| {
                ToHarness::Ask(AskRequest { len, cpu_ms, wall_ms, answer_bytes })
            }),
            prop::collection::vec(any::<u8>(), 0..300).prop_map(ToHarness::AskData),
            (any::<String>(), any::<u64>()).prop_map(|(path, len)| ToHarness::PutBuild(FileHeader { path, len })),
            prop::collection::vec(any::<u8>(), 0..300).prop_map(ToHarness::Stdin),
            Just(ToHarness::StdinEnd),
            (any::<String>(), any::<u64>()).prop_map(|(path, len)| ToHarness::Put(FileHeader { path, len })),
            prop::collection::vec(any::<u8>(), 0..300).prop_map(ToHarness::PutData),
            (any::<String>(), any::<u64>(), any::<u32>()).prop_map(|(suffix, max_bytes, max_files)| ToHarness::Fetch(
                FetchRequest { scratch: (max_files > 9).then(|| suffix.clone()), suffix, max_bytes, max_files }
            )),
            (any::<u16>(), any::<u16>()).prop_map(|(cols, rows)| ToHarness::Resize(WindowSize { cols, rows })),
            any::<u64>().prop_map(|bytes| ToHarness::Credit(Credit { bytes })),
            Just(ToHarness::Clean),
            Just(ToHarness::Kill),
            Just(ToHarness::Ping),
        ]
    }

    fn from_harness() -> impl Strategy<Value = FromHarness> {
        let exit = (any::<Option<i32>>(), any::<u64>(), any::<Option<String>>(), 0..5usize).prop_map(
            |(code, number, spawn_error, stop)| {
                let stop = [None, Some(Stop::Cpu), Some(Stop::Wall), Some(Stop::Output), Some(Stop::Killed)][stop];
                FromHarness::Exit(ExecResult {
                    exit_code: code,
                    signal: code,
                    stop,
                    cpu_us: number,
                    wall_us: number,
                    memory_bytes: number,
                    oom_kills: number,
                    stdout_bytes: number,
                    stderr_bytes: number,
                    survivors: 7,
                    input_ended: number % 2 == 0,
                    ended_us: number,
                    spawn_error,
                })
            },
        );
        let answered = (any::<Option<String>>(), any::<[u64; 5]>(), any::<bool>()).prop_map(|(broken, n, stopped)| {
            FromHarness::Answered(Answered {
                stop: stopped.then_some(Stop::Wall),
                broken,
                cpu_us: n[0],
                wall_us: n[1],
                memory_bytes: n[2],
                oom_kills: n[3],
                answer_bytes: n[4],
            })
        });
        prop_oneof![
            answered,
            prop::collection::vec(any::<u8>(), 0..300).prop_map(FromHarness::Answer),
            (any::<Option<String>>(), any::<u64>()).prop_map(|(error, n)| FromHarness::Served(Served {
                error,
                cpu_us: n,
                wall_us: n
            })),
            (any::<u32>(), any::<u8>()).prop_map(|(version, cgroup)| FromHarness::Hello(Hello { version, cgroup })),
            prop::collection::vec(any::<u8>(), 0..300).prop_map(FromHarness::Stdout),
            prop::collection::vec(any::<u8>(), 0..300).prop_map(FromHarness::Report),
            prop::collection::vec(any::<u8>(), 0..300).prop_map(FromHarness::Stderr),
            exit,
            (any::<String>(), any::<u64>()).prop_map(|(path, len)| FromHarness::File(FileHeader { path, len })),
            prop::collection::vec(any::<u8>(), 0..300).prop_map(FromHarness::FileData),
            (any::<u32>(), any::<bool>())
                .prop_map(|(files, truncated)| FromHarness::FetchEnd(FetchEnd { files, truncated })),
            (any::<bool>(), any::<Option<String>>())
                .prop_map(|(clean, detail)| FromHarness::Cleaned(Cleaned { clean, detail })),
            any::<u64>().prop_map(|bytes| FromHarness::Taken(Taken { bytes })),
            Just(FromHarness::Pong),
            Just(FromHarness::Started),
            any::<String>().prop_map(|message| FromHarness::Fault(Fault { message })),
        ]
    }

    fn decoded<M: Message>(wire: &[u8], cuts: &[usize]) -> Vec<M> {
        let (mut decoder, mut got, mut at, mut cut) = (Decoder::<M>::new(), Vec::new(), 0, cuts.iter().cycle());
        while at < wire.len() {
            let end = (at + cut.next().copied().unwrap_or(7).max(1)).min(wire.len());
            decoder.push(&wire[at..end]);
            while let Some(message) = decoder.next().expect("well-formed") {
                got.push(message);
            }
            at = end;
        }
        assert_eq!(decoder.pending(), 0);
        got
    }

    proptest! {
        #[test]
        fn what_the_host_says_arrives_however_it_is_cut(
            messages in prop::collection::vec(to_harness(), 0..12), cuts in prop::collection::vec(1..50usize, 1..8),
        ) {
            let mut wire = Vec::new();
            for message in &messages { encode(message, &mut wire).expect("fits"); }
            prop_assert_eq!(decoded::<ToHarness>(&wire, &cuts), messages);
        }

        #[test]
        fn what_the_harness_says_arrives_however_it_is_cut(
            messages in prop::collection::vec(from_harness(), 0..12), cuts in prop::collection::vec(1..50usize, 1..8),
        ) {
            let mut wire = Vec::new();
            for message in &messages { encode(message, &mut wire).expect("fits"); }
            prop_assert_eq!(decoded::<FromHarness>(&wire, &cuts), messages);
        }

        #[test]
        fn no_bytes_make_the_decoder_panic_or_hold_more_than_a_frame_and_a_push(
            bytes in prop::collection::vec(any::<u8>(), 0..4000), size in 1..500usize,
        ) {
            let (mut a, mut b) = (Decoder::<ToHarness>::new(), Decoder::<FromHarness>::new());
            let (mut a_fine, mut b_fine) = (true, true);
            for piece in bytes.chunks(size) {
                if a_fine {
                    a.push(piece);
                    while let Some(more) = a.next().transpose() { if more.is_err() { a_fine = false; break; } }
                    prop_assert!(!a_fine || a.pending() <= HEADER + MAX_PAYLOAD);
                }
                if b_fine {
                    b.push(piece);
                    while let Some(more) = b.next().transpose() { if more.is_err() { b_fine = false; break; } }
                    prop_assert!(!b_fine || b.pending() <= HEADER + MAX_PAYLOAD);
                }
            }
        }
    }

    #[test]
    fn a_decoder_that_has_seen_a_flood_holds_little_afterwards() {
        let mut wire = Vec::new();
        encode(&FromHarness::Stdout(vec![b'x'; 200_000]), &mut wire).expect("fits");
        let mut decoder = Decoder::<FromHarness>::new();
        decoder.push(&wire);
        assert!(matches!(decoder.next(), Ok(Some(FromHarness::Stdout(bytes))) if bytes.len() == 200_000));
        assert_eq!(decoder.next(), Ok(None));
        assert!(decoder.buffer.capacity() <= KEPT, "{} bytes", decoder.buffer.capacity());
    }

    #[test]
    fn a_length_beyond_the_bound_is_refused_before_its_payload_arrives() {
        let mut decoder = Decoder::<FromHarness>::new();
        decoder.push(&[0xff, 0xff, 0xff, 0xff, 0x83]);
        assert_eq!(decoder.next(), Err(FrameError::TooLong(u32::MAX as usize)));
        assert_eq!(frame(&mut Vec::new(), 0x83, &vec![0; MAX_PAYLOAD + 1]), Err(FrameError::TooLong(MAX_PAYLOAD + 1)));
    }

    #[test]
    fn a_request_that_says_nothing_of_a_terminal_has_none() {
        let limits = r#"{"cpu_ms":1,"wall_ms":2,"output_bytes":3,"file_bytes":4,"open_files":5,"stack_bytes":null}"#;
        let request = format!(r#"{{"role":"program","argv":["a"],"env":{{}},"cwd":"/","limits":{limits}}}"#);
        let decoded = ToHarness::decode(0x01, request.as_bytes());
        assert!(matches!(decoded, Ok(ToHarness::Exec(ExecRequest { terminal: None, .. }))), "{decoded:?}");
    }

    #[test]
    fn sizes_credits_and_counts_that_are_none_are_errors() {
        for payload in ["", "{}", "7", "{\"cols\":80}", "{\"cols\":65536,\"rows\":1}", "{\"cols\":-1,\"rows\":1}"] {
            let decoded = ToHarness::decode(0x0e, payload.as_bytes());
            assert!(matches!(decoded, Err(FrameError::BadPayload { kind: 0x0e, .. })), "{payload}");
        }
        for payload in ["", "{}", "7", "{\"bytes\":-1}", "{\"bytes\":1.5}", "{\"bytes\":18446744073709551616}"] {
            let decoded = ToHarness::decode(0x0f, payload.as_bytes());
            assert!(matches!(decoded, Err(FrameError::BadPayload { kind: 0x0f, .. })), "{payload}");
            let decoded = FromHarness::decode(0x8e, payload.as_bytes());
            assert!(matches!(decoded, Err(FrameError::BadPayload { kind: 0x8e, .. })), "{payload}");
        }
    }

    #[test]
    fn a_frame_of_the_other_direction_or_of_no_kind_is_an_error() {
        for kind in [0x00, 0x81, 0x85, 0xff] {
            let mut decoder = Decoder::<ToHarness>::new();
            decoder.push(&[0, 0, 0, 0, kind]);
            assert_eq!(decoder.next(), Err(FrameError::UnknownKind(kind)));
        }
    }
}
