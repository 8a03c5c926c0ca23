//! JSON text, written as it comes: a trace may be large, and a tree of values would be many times larger.

use alloy_primitives::hex;
use core::fmt::{LowerHex, Write};
use serde_json::Value;

/// `"0x…"` of bytes.
pub(super) fn hex(out: &mut String, bytes: impl AsRef<[u8]>) {
    out.push_str("\"0x");
    out.push_str(&hex::encode(bytes));
    out.push('"');
}

/// `"0x…"` of a number, without leading zeros.
pub(super) fn quantity(out: &mut String, number: &impl LowerHex) {
    // Writing to a string does not fail.
    let _ = write!(out, "\"{number:#x}\"");
}

/// A JSON string.
pub(super) fn text(out: &mut String, text: &str) {
    out.push_str(&Value::from(text).to_string());
}

/// A JSON array of what `each` writes.
pub(super) fn list<T>(out: &mut String, items: impl IntoIterator<Item = T>, mut each: impl FnMut(&mut String, T)) {
    out.push('[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        each(out, item);
    }
    out.push(']');
}

/// A JSON object under construction.
pub(super) struct Object<'a> {
    out: &'a mut String,
    is_empty: bool,
}

impl<'a> Object<'a> {
    pub(super) fn open(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, is_empty: true }
    }

    /// Starts a member; its value is to be written next.
    pub(super) fn key(&mut self, name: &str) -> &mut String {
        if !core::mem::take(&mut self.is_empty) {
            self.out.push(',');
        }
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
        self.out
    }

    pub(super) fn hex(&mut self, name: &str, bytes: impl AsRef<[u8]>) {
        hex(self.key(name), bytes);
    }

    pub(super) fn quantity(&mut self, name: &str, number: &impl LowerHex) {
        quantity(self.key(name), number);
    }

    pub(super) fn number(&mut self, name: &str, number: u64) {
        let out = self.key(name);
        let _ = write!(out, "{number}");
    }

    pub(super) fn text(&mut self, name: &str, value: &str) {
        text(self.key(name), value);
    }

    /// A member whose value is JSON already.
    pub(super) fn raw(&mut self, name: &str, json: &str) {
        self.key(name).push_str(json);
    }

    pub(super) fn close(self) {
        self.out.push('}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_json() {
        let mut out = String::new();
        let mut object = Object::open(&mut out);
        object.hex("bytes", [0x0a, 0xff]);
        object.quantity("quantity", &10_u64);
        object.number("number", 7);
        object.text("text", "a \"quoted\"\nline");
        list(object.key("list"), [1, 2], |out, item| out.push_str(&item.to_string()));
        object.close();
        let expected = serde_json::json!({
            "bytes": "0x0aff", "quantity": "0xa", "number": 7, "text": "a \"quoted\"\nline", "list": [1, 2],
        });
        assert_eq!(serde_json::from_str::<Value>(&out).expect("JSON"), expected);
    }
}
