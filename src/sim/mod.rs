//! What happens in a world of hosts and links with one seed?
