//! Stories of two associations. Names carry the ids of the requirements.

mod end;
mod flow;
mod hostile;
mod laws;
mod partial;
mod recovery;
mod reset;
mod setup;
mod transfer;
mod world;
