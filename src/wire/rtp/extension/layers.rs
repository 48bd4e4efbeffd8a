//! Which layers does the sender send, and how many bits may each have?

use core::fmt;

use arrayvec::ArrayVec;

use crate::cursor::{Malformed, Reader, Writer, leb128_len};

/// Which layers does the sender send, as the packet tells it?
///
/// The bytes were checked; [`allocation`](Self::allocation) is what they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoLayers<'a>(&'a [u8]);

impl<'a> VideoLayers<'a> {
    /// Reads the value.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut, or a target is more than 32 bits can say.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let bytes = r.rest();
        Allocation::parse(&mut Reader::new(bytes))?;
        Ok(Self(bytes))
    }

    /// What it says.
    #[must_use]
    pub fn allocation(&self) -> Allocation {
        // It was read before, so it can be read again.
        Allocation::parse(&mut Reader::new(self.0))
            .unwrap_or_else(|_| Allocation::new(0, 1, &[], false))
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        self.0.len()
    }

    /// Writes the value.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.bytes(self.0);
    }
}

impl fmt::Display for VideoLayers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.allocation().fmt(f)
    }
}

/// Which simulcast streams and layers are sent (video-layers-allocation00, as
/// WebRTC documents it).
///
/// ```text
/// | this stream, 2 | streams - 1, 2 | spatial layers of all, 4: 0 if they differ |
/// | spatial layers of each stream, 4 each, if they differ; filled to a byte      |
/// | temporal layers - 1, 2 for each layer; filled to a byte                      |
/// | target of each temporal layer in kbit/s, LEB128                              |
/// | width - 1, 16 | height - 1, 16 | frames per second, 8; for each layer, or none |
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// Which of the streams carries this packet: 0 to 3.
    stream: u8,
    /// How many streams there are: 1 to 4.
    streams: u8,
    /// Whether each layer has a resolution.
    with_resolutions: bool,
    layers: ArrayVec<Layer, MAX_LAYERS>,
}

/// One layer of resolution in one of the streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Layer {
    /// Its stream.
    pub stream: u8,
    /// Which layer of the stream: 0 to 3.
    pub spatial: u8,
    /// How many temporal layers it has: 1 to 4.
    pub temporals: u8,
    /// How many kilobits a second each temporal layer may have, those below included.
    pub targets: [u32; 4],
    /// Its size, if the sender tells the sizes.
    pub resolution: Resolution,
}

/// How large is a picture, and how often does it come?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Resolution {
    /// Its width less one.
    pub width_minus_1: u16,
    /// Its height less one.
    pub height_minus_1: u16,
    /// At most so many a second.
    pub frame_rate: u8,
}

impl Allocation {
    /// What a sender of `streams` streams says in a packet of `stream`. Layers
    /// are to be in the order of streams and of spatial layers in them; of what
    /// cannot be written nothing is kept.
    #[must_use]
    pub fn new(stream: u8, streams: u8, layers: &[Layer], with_resolutions: bool) -> Self {
        let mut kept = ArrayVec::new();
        let mut last = None;
        for layer in layers {
            let place = (layer.stream, layer.spatial);
            if layer.stream < streams.min(4) && layer.spatial < 4 && last < Some(place) {
                last = Some(place);
                kept.push(Layer {
                    temporals: layer.temporals.clamp(1, 4),
                    ..*layer
                });
            }
        }
        Self {
            stream: stream & 3,
            streams: streams.clamp(1, 4),
            with_resolutions: with_resolutions && !kept.is_empty(),
            layers: kept,
        }
    }

    /// The layers that are sent.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        self.layers.as_slice()
    }

    /// Which of the streams carries the packet: 0 to 3.
    #[must_use]
    pub const fn stream(&self) -> u8 {
        self.stream
    }

    /// How many streams there are: 1 to 4.
    #[must_use]
    pub const fn streams(&self) -> u8 {
        self.streams
    }

    /// Whether the layers tell their sizes.
    #[must_use]
    pub const fn has_resolutions(&self) -> bool {
        self.with_resolutions
    }

    /// Reads the value.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut, or a target is more than 32 bits can say.
    pub fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let first = r.u8(FIELD)?;
        let (stream, streams) = (first >> 6, (first >> 4 & 3) + 1);
        // One zero is a sender whose layers are all off.
        let masks = match first & 0x0f {
            0 if r.is_empty() => [0; 4],
            0 => parse_masks(r, streams)?,
            shared => [shared; 4],
        };
        let mut layers = ArrayVec::new();
        for stream in 0..streams {
            let mask = masks.get(usize::from(stream)).copied().unwrap_or(0);
            for spatial in (0..4).filter(|spatial| mask >> spatial & 1 == 1) {
                layers.push(Layer {
                    stream,
                    spatial,
                    ..Layer::default()
                });
            }
        }
        let mut temporals = 0;
        for (index, layer) in layers.iter_mut().enumerate() {
            if index % 4 == 0 {
                temporals = r.u8(FIELD)?;
            }
            layer.temporals = (temporals >> 6) + 1;
            temporals <<= 2;
        }
        for layer in &mut layers {
            for target in layer.targets.iter_mut().take(layer.temporals.into()) {
                *target = r.leb128(FIELD)?;
            }
        }
        let with_resolutions = !layers.is_empty() && !r.is_empty();
        if with_resolutions {
            for layer in &mut layers {
                layer.resolution = Resolution::parse(r)?;
            }
        }
        Ok(Self {
            stream,
            streams,
            with_resolutions,
            layers,
        })
    }

    /// The size on the wire.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let layers = self.layers();
        if layers.is_empty() {
            return 1;
        }
        let masks = match self.shared_mask() {
            Some(_) => 0,
            None => usize::from(self.streams).div_ceil(2),
        };
        let targets: usize = layers.iter().flat_map(Layer::written).map(leb128_len).sum();
        let resolutions = if self.with_resolutions { 5 } else { 0 };
        1 + masks + layers.len().div_ceil(4) + targets + layers.len() * resolutions
    }

    /// Writes the value.
    pub fn emit(&self, w: &mut Writer<'_>) {
        let layers = self.layers();
        let shared = self.shared_mask();
        let head = self.stream << 6 | (self.streams - 1) << 4;
        w.u8(head | shared.unwrap_or(0));
        if layers.is_empty() {
            return;
        }
        if shared.is_none() {
            let masks = self.masks();
            for pair in masks.chunks(2).take(usize::from(self.streams).div_ceil(2)) {
                let [high, low] =
                    [pair.first(), pair.get(1)].map(|mask| mask.copied().unwrap_or(0));
                w.u8(high << 4 | low);
            }
        }
        for four in layers.chunks(4) {
            let pack = |byte, (place, layer): (usize, &Layer)| {
                byte | (layer.temporals - 1) << (6 - 2 * place)
            };
            w.u8(four.iter().enumerate().fold(0, pack));
        }
        layers
            .iter()
            .flat_map(Layer::written)
            .for_each(|target| w.leb128(target));
        if self.with_resolutions {
            layers.iter().for_each(|layer| layer.resolution.emit(w));
        }
    }

    /// The spatial layers of each stream, one bit each.
    fn masks(&self) -> [u8; 4] {
        let mut masks = [0; 4];
        for layer in self.layers() {
            if let Some(mask) = masks.get_mut(usize::from(layer.stream)) {
                *mask |= 1 << layer.spatial;
            }
        }
        masks
    }

    /// The spatial layers of every stream, if they are the same and not none.
    fn shared_mask(&self) -> Option<u8> {
        let masks = self.masks();
        let [first, ..] = masks;
        let alike = masks
            .iter()
            .take(self.streams.into())
            .all(|mask| *mask == first);
        (alike && first != 0).then_some(first)
    }
}

impl Layer {
    /// The targets that are written.
    fn written(&self) -> impl Iterator<Item = u32> + use<> {
        self.targets.into_iter().take(self.temporals.into())
    }
}

impl Resolution {
    fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            width_minus_1: r.u16(FIELD)?,
            height_minus_1: r.u16(FIELD)?,
            frame_rate: r.u8(FIELD)?,
        })
    }

    fn emit(self, w: &mut Writer<'_>) {
        w.u16(self.width_minus_1);
        w.u16(self.height_minus_1);
        w.u8(self.frame_rate);
    }
}

/// `layers=0/2 [0.0:100,200kbps 1.0:500kbps 640x360@30]`
impl fmt::Display for Allocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "layers={}/{} [", self.stream, self.streams)?;
        for (index, layer) in self.layers().iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{}.{}", layer.stream, layer.spatial)?;
            let mut separator = ':';
            for target in layer.written() {
                write!(f, "{separator}{target}")?;
                separator = ',';
            }
            f.write_str("kbps")?;
            if self.with_resolutions {
                let Resolution {
                    width_minus_1,
                    height_minus_1,
                    frame_rate,
                } = layer.resolution;
                let [width, height] =
                    [width_minus_1, height_minus_1].map(|less| u32::from(less) + 1);
                write!(f, " {width}x{height}@{frame_rate}")?;
            }
        }
        f.write_str("]")
    }
}

/// The spatial layers of each stream, where they differ.
fn parse_masks(r: &mut Reader<'_>, streams: u8) -> Result<[u8; 4], Malformed> {
    let mut masks = [0; 4];
    for pair in masks.chunks_mut(2).take(usize::from(streams).div_ceil(2)) {
        let byte = r.u8(FIELD)?;
        for (mask, shift) in pair.iter_mut().zip([4, 0]) {
            *mask = byte >> shift & 0x0f;
        }
    }
    Ok(masks)
}

/// At most four streams of four layers.
const MAX_LAYERS: usize = 16;

const FIELD: &str = "video layers";
