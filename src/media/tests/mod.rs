//! Stories of two ends in virtual time.

mod control;
mod flow;
mod hostile;
mod laws;
mod routing;
mod world;
