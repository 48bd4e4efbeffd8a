//! The keys of media, between DTLS and SRTP.

use alloc::boxed::Box;

use crate::crypto::CryptoProvider;
use crate::dtls::SrtpKeys;
use crate::srtp::{self, HeaderProtection, Master, SrtpContext};
use crate::wire::dtls::extension::SrtpProfile;

/// The keys of media, and what they are used with.
///
/// A connection without media never pays for the ciphers: they are made when
/// there are keys and somebody wants them, whatever comes last.
#[derive(Debug, Default)]
pub(super) struct Protection {
    profile: Option<SrtpProfile>,
    /// Until they are used.
    keys: Option<SrtpKeys>,
    wanted: Option<HeaderProtection>,
    context: Option<Box<SrtpContext>>,
}

impl Protection {
    /// The handshake has given keys, if both sides wanted some.
    pub(super) fn on_keys(&mut self, keys: Option<SrtpKeys>, provider: &CryptoProvider) {
        self.profile = keys.as_ref().map(|keys| keys.profile);
        self.keys = keys;
        self.start(provider);
    }

    /// The keys are worth nothing any more: until there are others, media is neither
    /// sent nor taken.
    pub(super) fn forget_keys(&mut self) {
        (self.profile, self.keys, self.context) = (None, None, None);
    }

    /// There is media.
    pub(super) fn want(&mut self, header: HeaderProtection, provider: &CryptoProvider) {
        self.wanted.get_or_insert(header);
        self.start(provider);
    }

    pub(super) const fn profile(&self) -> Option<SrtpProfile> {
        self.profile
    }

    pub(super) fn context(&self) -> Option<&SrtpContext> {
        self.context.as_deref()
    }

    pub(super) fn context_mut(&mut self) -> Option<&mut SrtpContext> {
        self.context.as_deref_mut()
    }

    fn start(&mut self, provider: &CryptoProvider) {
        let Some(header) = self.wanted else { return };
        let Some(keys) = self.keys.take() else { return };
        let mut config = srtp::Config::new(keys.profile);
        config.header = header;
        // Where RTX was not agreed on, what is asked for again is sent again as it
        // was: senders keep what they have said of a packet, and forget packets of
        // which they would say something else.
        config.repeats = true;
        let [local, remote] =
            [&keys.local, &keys.remote].map(|master| Master::new(master.key(), master.salt()));
        // Both lengths are the profile's, and only profiles that the provider has are
        // offered: what fails here sends nothing and hears nothing, which is counted.
        let context = SrtpContext::new(provider, config, local, remote);
        self.context = context.ok().map(Box::new);
    }
}
