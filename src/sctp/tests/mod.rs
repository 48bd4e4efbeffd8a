//! Stories of two associations. Names carry the ids of the requirements.

mod setup;
mod transfer;
mod world;
