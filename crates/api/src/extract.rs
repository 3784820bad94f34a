//! Extractors whose every refusal is a problem document.

mod body;
mod idempotent;
mod objects;
mod page;
pub(crate) mod peer;
mod url;

pub use body::Body;
pub(crate) use body::{parse_json, read_body, read_body_up_to};
pub use idempotent::{Begun, IdempotencyKey, Idempotent, KEY_HEADER, MAX_KEY_LENGTH, REPLAYED_HEADER, Work};
pub use page::{List, Page};
pub use peer::Peer;
pub use url::{Params, PathOf, given};
