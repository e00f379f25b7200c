//! The log's files: their names, their lock, and finding the end after a crash.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{AuditError, Digest, Head, MAX_LINE_BYTES, Record};

const PREFIX: &str = "audit-";
const SUFFIX: &str = ".jsonl";
const LOCK: &str = "lock";
/// Digits of a first record's number in a name, so that names sort like numbers.
const DIGITS: usize = 20;

/// Names the operation's file in its error.
pub(super) fn at(path: &Path) -> impl Fn(io::Error) -> AuditError + '_ {
    move |error| AuditError::Io {
        path: path.to_owned(),
        error,
    }
}

/// The files of the log in `folder`, in the order of their records.
pub(super) fn list(folder: &Path) -> Result<Vec<PathBuf>, AuditError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let entry = entry.map_err(at(folder))?;
        let name = entry.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX));
        if number.is_some_and(|number| {
            number.len() == DIGITS && number.bytes().all(|byte| byte.is_ascii_digit())
        }) {
            files.push(entry.path());
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Makes the file that begins with the record `first`.
pub(super) fn create(folder: &Path, first: u64) -> Result<(PathBuf, File), AuditError> {
    let path = folder.join(format!("{PREFIX}{first:0width$}{SUFFIX}", width = DIGITS));
    let mut options = File::options();
    options.append(true).create_new(true);
    private(&mut options);
    let file = options.open(&path).map_err(at(&path))?;
    // The name is as important as what is in the file.
    sync_folder(folder)?;
    Ok((path, file))
}

/// Records say who bought what: nobody else's business.
fn private(options: &mut fs::OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

fn sync_folder(folder: &Path) -> Result<(), AuditError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(at(folder))
}

/// Takes the folder for this process; ends with the file that is returned.
pub(super) fn lock(folder: &Path) -> Result<File, AuditError> {
    fs::create_dir_all(folder).map_err(at(folder))?;
    let path = folder.join(LOCK);
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    private(&mut options);
    let file = options.open(&path).map_err(at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(AuditError::Locked {
            path: folder.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(at(&path)(error)),
    }
}

/// What was behind the last whole record of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Torn {
    pub(super) bytes: u64,
    pub(super) digest: Digest,
    /// Whole lines among it: more than a killed process leaves.
    pub(super) lines: u64,
}

/// Where writing goes on.
pub(super) struct End {
    pub(super) head: Head,
    /// The file that the head stands in, if it has room left; and its size.
    pub(super) file: Option<(PathBuf, File, u64)>,
    pub(super) torn: Vec<Torn>,
}

/// Finds the end of the log. Torn ends are moved to files of their own, never
/// thrown away.
pub(super) fn find_end(folder: &Path) -> Result<End, AuditError> {
    let mut torn = Vec::new();
    for path in list(folder)?.iter().rev() {
        let mut options = File::options();
        let mut file = options
            .read(true)
            .append(true)
            .open(path)
            .map_err(at(path))?;
        let (head, good) = whole_records(&mut file).map_err(at(path))?;
        torn.extend(set_tail_aside(path, &mut file, good)?);
        if let Some(head) = head {
            return Ok(End {
                head,
                file: Some((path.clone(), file, good)),
                torn,
            });
        }
        // Nothing whole in it; its name will be needed again.
        fs::remove_file(path).map_err(at(path))?;
        sync_folder(folder)?;
    }
    Ok(End {
        head: Head::default(),
        file: None,
        torn,
    })
}

/// The last record of the chain that begins a file, and how long that chain is.
fn whole_records(file: &mut File) -> io::Result<(Option<Head>, u64)> {
    let mut lines = Lines::new(BufReader::new(file));
    let mut last: Option<Head> = None;
    let mut good = 0;
    while let Some(line) = lines.next()? {
        let Some((record, head)) = line.whole().and_then(Record::read) else {
            break;
        };
        if last.is_some_and(|last| {
            record.previous != last.hash || Some(record.sequence) != last.sequence.checked_add(1)
        }) {
            break;
        }
        last = Some(head);
        good = lines.offset;
    }
    Ok((last, good))
}

fn set_tail_aside(path: &Path, file: &mut File, good: u64) -> Result<Option<Torn>, AuditError> {
    let length = file.metadata().map_err(at(path))?.len();
    if length == good {
        return Ok(None);
    }
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(good)).map_err(at(path))?;
    file.read_to_end(&mut tail).map_err(at(path))?;
    let digest = Digest::of(&tail);
    let aside = path.with_extension(format!("torn-{good}"));
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    private(&mut options);
    let mut copy = options.open(&aside).map_err(at(&aside))?;
    copy.write_all(&tail).map_err(at(&aside))?;
    copy.sync_all().map_err(at(&aside))?;
    file.set_len(good).map_err(at(path))?;
    file.sync_all().map_err(at(path))?;
    let feeds = tail.iter().filter(|byte| **byte == b'\n').count();
    Ok(Some(Torn {
        bytes: length - good,
        digest,
        lines: u64::try_from(feeds).unwrap_or(u64::MAX),
    }))
}

/// Lines of bounded length.
pub(super) struct Lines<R> {
    reader: R,
    line: Vec<u8>,
    /// Behind the line that was read last.
    pub(super) offset: u64,
}

/// A line with its line feed, unless it has none.
pub(super) struct Line<'a>(&'a [u8]);

impl<'a> Line<'a> {
    /// Without the line feed; `None` when that is missing.
    pub(super) fn whole(&self) -> Option<&'a [u8]> {
        self.0.strip_suffix(b"\n")
    }
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            line: Vec::new(),
            offset: 0,
        }
    }

    /// The next line, or the first part of one that is too long for a record.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let most = u64::try_from(MAX_LINE_BYTES + 1).unwrap_or(u64::MAX);
        let count = (&mut self.reader)
            .take(most)
            .read_until(b'\n', &mut self.line)?;
        self.offset += u64::try_from(count).unwrap_or(u64::MAX);
        Ok((count > 0).then_some(Line(&self.line)))
    }
}
