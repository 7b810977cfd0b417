//! As much of D-Bus as it takes to ask a manager over its private socket. (systemd signs its messages there with a name
//! that is no unique name, so libraries that check refuse to read them.)

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// A value of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Number(u64),
    /// Strings, object paths and signatures.
    Text(String),
    /// Arrays, structures, entries of dictionaries.
    List(Vec<Value>),
}

impl Value {
    pub fn number(&self) -> u64 {
        if let Value::Number(number) = self { *number } else { 0 }
    }

    pub fn text(&self) -> &str {
        if let Value::Text(text) = self { text } else { "" }
    }

    pub fn list(&self) -> &[Value] {
        if let Value::List(list) = self { list } else { &[] }
    }
}

/// A message that came.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// 2 a reply, 3 an error, 4 a signal.
    pub kind: u8,
    pub reply_serial: u64,
    pub member: String,
    pub error: String,
    pub body: Vec<Value>,
}

/// An argument of a call.
#[derive(Debug, Clone, Copy)]
pub enum Argument<'a> {
    Text(&'a str),
    Uint(u32),
    Int(i32),
    Texts(&'a [&'a str]),
}

/// A connection.
#[derive(Debug)]
pub struct Bus {
    stream: UnixStream,
    serial: u32,
}

impl Bus {
    /// Authenticates as root.
    pub fn new(mut stream: UnixStream) -> io::Result<Bus> {
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(b"\0AUTH EXTERNAL 30\r\nBEGIN\r\n")?;
        let mut byte = [0];
        while byte != *b"\n" {
            stream.read_exact(&mut byte)?;
        }
        Ok(Bus { stream, serial: 0 })
    }

    /// Sends a call; returns its serial number.
    pub fn send(&mut self, path: &str, interface: &str, member: &str, arguments: &[Argument<'_>]) -> io::Result<u64> {
        self.serial += 1;
        let (mut body, mut signature) = (Vec::new(), String::new());
        for argument in arguments {
            pad(&mut body, 4);
            match argument {
                Argument::Text(text) => {
                    signature.push('s');
                    put_text(&mut body, text);
                }
                Argument::Uint(number) => {
                    signature.push('u');
                    body.extend(number.to_le_bytes());
                }
                Argument::Int(number) => {
                    signature.push('i');
                    body.extend(number.to_le_bytes());
                }
                Argument::Texts(texts) => {
                    signature.push_str("as");
                    let at = body.len();
                    body.extend([0; 4]);
                    for text in *texts {
                        pad(&mut body, 4);
                        put_text(&mut body, text);
                    }
                    let length = (body.len() - at - 4) as u32;
                    body[at..at + 4].copy_from_slice(&length.to_le_bytes());
                }
            }
        }
        let mut fields = Vec::new();
        for (code, kind, text) in [(1, b'o', path), (2, b's', interface), (3, b's', member)] {
            pad(&mut fields, 8);
            fields.extend([code, 1, kind, 0]);
            put_text(&mut fields, text);
        }
        pad(&mut fields, 8);
        fields.extend([8, 1, b'g', 0, signature.len() as u8]);
        fields.extend(signature.as_bytes());
        fields.push(0);
        let mut message = vec![b'l', 1, 0, 1];
        for number in [body.len() as u32, self.serial, fields.len() as u32] {
            message.extend(number.to_le_bytes());
        }
        message.extend(fields);
        pad(&mut message, 8);
        message.extend(body);
        self.stream.write_all(&message)?;
        Ok(u64::from(self.serial))
    }

    /// The next message.
    pub fn receive(&mut self) -> io::Result<Message> {
        let mut bytes = vec![0; 16];
        self.stream.read_exact(&mut bytes)?;
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) as usize;
        let (body, start) = (word(4), (16 + word(12)).next_multiple_of(8));
        bytes.resize(start + body, 0);
        self.stream.read_exact(&mut bytes[16..])?;
        let mut message = Message { kind: bytes[1], ..Message::default() };
        let mut signature = String::new();
        let fields = Reader { bytes: &bytes, at: 12 }.value(&mut "a(yv)");
        for field in fields.list() {
            let value = &field.list()[1];
            match field.list()[0].number() {
                3 => message.member = value.text().to_owned(),
                4 => message.error = value.text().to_owned(),
                5 => message.reply_serial = value.number(),
                8 => signature = value.text().to_owned(),
                _ => {}
            }
        }
        let mut reader = Reader { bytes: &bytes[start..], at: 0 };
        let mut rest = signature.as_str();
        while !rest.is_empty() {
            message.body.push(reader.value(&mut rest));
        }
        Ok(message)
    }
}

fn pad(bytes: &mut Vec<u8>, to: usize) {
    bytes.resize(bytes.len().next_multiple_of(to), 0);
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.push(0);
}

/// Reads values one after the other.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn number(&mut self, size: usize) -> u64 {
        self.at = self.at.next_multiple_of(size);
        let bytes = &self.bytes[self.at..self.at + size];
        self.at += size;
        bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn text(&mut self, length: usize) -> String {
        let text = String::from_utf8_lossy(&self.bytes[self.at..self.at + length]).into_owned();
        self.at += length + 1;
        text
    }

    /// Reads a value of the first type of the signature, and takes that off.
    fn value(&mut self, signature: &mut &str) -> Value {
        let kind = signature.as_bytes()[0];
        *signature = &signature[1..];
        match kind {
            b'y' => Value::Number(self.number(1)),
            b'n' | b'q' => Value::Number(self.number(2)),
            b'b' | b'i' | b'u' | b'h' => Value::Number(self.number(4)),
            b'x' | b't' | b'd' => Value::Number(self.number(8)),
            b's' | b'o' => {
                let length = self.number(4) as usize;
                Value::Text(self.text(length))
            }
            b'g' => {
                let length = self.number(1) as usize;
                Value::Text(self.text(length))
            }
            b'v' => {
                let length = self.number(1) as usize;
                let inner = self.text(length);
                self.value(&mut inner.as_str())
            }
            b'a' => {
                let length = self.number(4) as usize;
                if matches!(signature.as_bytes()[0], b'x' | b't' | b'd' | b'(' | b'{') {
                    self.at = self.at.next_multiple_of(8);
                }
                let end = self.at + length;
                let mut list = Vec::new();
                while self.at < end {
                    list.push(self.value(&mut &**signature));
                }
                skip(signature);
                Value::List(list)
            }
            _ => {
                self.at = self.at.next_multiple_of(8);
                let mut list = Vec::new();
                while !matches!(signature.as_bytes()[0], b')' | b'}') {
                    list.push(self.value(signature));
                }
                *signature = &signature[1..];
                Value::List(list)
            }
        }
    }
}

/// Takes the first type off a signature.
fn skip(signature: &mut &str) {
    let mut depth = 0;
    for (at, kind) in signature.bytes().enumerate() {
        depth += match kind {
            b'(' | b'{' => 1,
            b')' | b'}' => -1,
            _ => 0,
        };
        if depth == 0 && kind != b'a' {
            *signature = &signature[at + 1..];
            return;
        }
    }
}
