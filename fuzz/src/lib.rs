//! What the targets share.

mod pair;

use std::fmt::{Debug, Display};

use pollrtc::cursor::Writer;

pub use pair::{Pair, Side, Step};

/// The bytes that `emit` writes; they are as many as was said before.
pub fn emitted(len: usize, emit: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut buf = Vec::new();
    let mut writer = Writer::new(&mut buf, 1 << 24);
    emit(&mut writer);
    assert!(!writer.is_overflowed());
    assert_eq!(buf.len(), len, "the length said before is the one written");
    buf
}

/// What was written means what was read, and has a line in a trace.
pub fn same<T: PartialEq + Debug + Display>(again: T, first: T) {
    assert_eq!(again, first);
    assert!(!first.to_string().contains('\n'));
}
