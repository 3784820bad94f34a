//! Archives byte by byte, as no ordinary program would make them.

/// One entry, and what its headers say of it.
pub(super) struct Record {
    pub(super) name: Vec<u8>,
    /// In the local header, if it is another one.
    pub(super) local_name: Option<Vec<u8>>,
    /// As it lies in the archive.
    pub(super) data: Vec<u8>,
    pub(super) crc: u32,
    /// 0 stored, 8 deflated.
    pub(super) method: u16,
    pub(super) flags: u16,
    /// Of unix; 0 says nothing.
    pub(super) mode: u32,
    /// 3 is unix.
    pub(super) made_by: u8,
    /// Inflated bytes as the headers have them, if not those of the data.
    pub(super) announced: Option<u32>,
    /// The directory points at the first entry's data.
    pub(super) shares_first: bool,
}

impl Record {
    pub(super) fn stored(name: &str, data: &[u8]) -> Self {
        Self {
            name: name.as_bytes().to_vec(),
            local_name: None,
            data: data.to_vec(),
            crc: crc32(data),
            method: 0,
            flags: 1 << 11,
            mode: 0,
            made_by: 3,
            announced: None,
            shares_first: false,
        }
    }

    fn middle(&self, name: &[u8]) -> Vec<u8> {
        let stored = u32::try_from(self.data.len()).expect("small");
        let mut out = Vec::new();
        out.extend(20_u16.to_le_bytes());
        out.extend(self.flags.to_le_bytes());
        out.extend(self.method.to_le_bytes());
        out.extend(0x0000_5821_u32.rotate_left(16).to_le_bytes());
        out.extend(self.crc.to_le_bytes());
        out.extend(stored.to_le_bytes());
        out.extend(self.announced.unwrap_or(stored).to_le_bytes());
        out.extend(u16::try_from(name.len()).expect("short").to_le_bytes());
        out.extend(0_u16.to_le_bytes());
        out
    }
}

/// Local entries, directory, end.
pub(super) fn hand_made(records: &[Record]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for record in records {
        let start = if record.shares_first { 0 } else { u32::try_from(out.len()).expect("small") };
        if !record.shares_first {
            let name = record.local_name.as_ref().unwrap_or(&record.name);
            out.extend(b"PK\x03\x04");
            out.extend(record.middle(name));
            out.extend(name);
            out.extend(&record.data);
        }
        directory.extend(b"PK\x01\x02");
        directory.extend([20, record.made_by]);
        directory.extend(record.middle(&record.name));
        // Comment, disk, internal attributes.
        directory.extend([0; 6]);
        directory.extend((record.mode << 16).to_le_bytes());
        directory.extend(start.to_le_bytes());
        directory.extend(&record.name);
    }
    let start = u32::try_from(out.len()).expect("small");
    // The format's own counter has 16 bits.
    #[allow(clippy::cast_possible_truncation, reason = "that is what the format does")]
    let count = records.len() as u16;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(u32::try_from(directory.len()).expect("small").to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

/// The compressed bytes of the only entry of an archive that an ordinary program made.
pub(super) fn deflated_of(archive: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(archive)).expect("an archive");
    let entry = zip.by_index_raw(0).expect("an entry");
    let start = usize::try_from(entry.data_start().expect("known")).expect("small");
    let length = usize::try_from(entry.compressed_size()).expect("small");
    archive[start..start + length].to_vec()
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}
