//! What do the sections of media say, and whose are they (RFC 8829 §4.2, RFC 3264)?

mod capabilities;
mod codec;
mod encoding;
mod numbers;
mod section;
mod transceiver;

pub use capabilities::{Capabilities, MediaCapabilities};
pub use codec::{Codec, HeaderExtension};
pub use encoding::{EncodingLimits, EncodingParameters, Priority};
pub use section::{Encoding, RemoteStreams, Stream};
pub use transceiver::{Kind, Transceiver, TransceiverId, TransceiverInit};

pub(super) use capabilities::MID;
pub(super) use encoding::init as encodings_of;
pub(super) use numbers::{Numbers, clash};
pub(super) use section::{CRYPTEX, Lists, Rtp, Session};
pub(super) use transceiver::Transceivers;
