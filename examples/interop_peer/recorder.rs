//! What arrives, written to files that other programs can decode; see `tests/interop/decode.py`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use pollrtc::rtp::receiver::ReceivedFrame;

/// One file for each codec and layer.
pub(crate) struct Recorder {
    folder: PathBuf,
    files: BTreeMap<String, File>,
}

impl Recorder {
    /// Into that folder.
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.into(),
            files: BTreeMap::new(),
        }
    }

    /// Adds a frame to its file. A codec that has no file format here is left out.
    pub(crate) fn write(
        &mut self,
        codec: &str,
        rid: &str,
        frame: &ReceivedFrame,
    ) -> anyhow::Result<()> {
        let suffix = match codec.to_ascii_lowercase().as_str() {
            "vp8" => "ivf",
            "h264" => "h264",
            "opus" => "packets",
            "pcmu" => "pcmu",
            _ => return Ok(()),
        };
        let kind = if matches!(suffix, "ivf" | "h264") {
            "video"
        } else {
            "audio"
        };
        let layer = if rid.is_empty() {
            String::new()
        } else {
            format!(".{rid}")
        };
        let name = format!("{kind}{layer}.{suffix}");
        // A decoder begins with a key frame.
        if !self.files.contains_key(&name) && !frame.is_key && kind == "video" {
            return Ok(());
        }
        let head = match suffix {
            "ivf" => ivf_head(frame)?,
            "packets" => size(frame)?.to_be_bytes().to_vec(),
            _ => Vec::new(),
        };
        let file = self.file(name, suffix)?;
        file.write_all(&head)?;
        Ok(file.write_all(&frame.data)?)
    }

    fn file(&mut self, name: String, suffix: &str) -> anyhow::Result<&mut File> {
        if !self.files.contains_key(&name) {
            fs::create_dir_all(&self.folder)?;
            let path = self.folder.join(&name);
            let mut file =
                File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
            if suffix == "ivf" {
                file.write_all(&IVF)?;
            }
            self.files.insert(name.clone(), file);
        }
        self.files.get_mut(&name).context("just made")
    }
}

/// Size and time of a frame, little-endian.
fn ivf_head(frame: &ReceivedFrame) -> anyhow::Result<Vec<u8>> {
    let mut head = size(frame)?.to_le_bytes().to_vec();
    head.extend_from_slice(&u64::from(frame.timestamp).to_le_bytes());
    Ok(head)
}

fn size(frame: &ReceivedFrame) -> anyhow::Result<u32> {
    Ok(u32::try_from(frame.data.len())?)
}

/// The header of an IVF file of VP8 whose clock ticks 90,000 times a second. The size of the picture
/// is in its key frames.
const IVF: [u8; 32] = *b"DKIF\0\0\x20\0VP80\0\0\0\0\x90\x5f\x01\0\x01\0\0\0\0\0\0\0\0\0\0\0";
