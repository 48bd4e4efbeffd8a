//! Stories of a source, a network and its receiver.

mod feedback;
mod frames;
mod hostile;
mod loss;
mod repair;
mod world;
