//! Agents on a virtual network, driven by their contract only.

mod connect;
mod support;
