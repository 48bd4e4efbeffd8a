//! How does one application talk to one peer?
