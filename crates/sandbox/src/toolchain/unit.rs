//! Suites of unit tests: listed and made ready in a jail in which nothing of a student's is ever executed.
//!
//! The list of tests is read from the instructor's sources alone. Compiling them against the submission may fail, class
//! by class; what a class's tests are is known all the same.

use std::collections::BTreeMap;

use iteratione_common::{
    lab::{SourceFile, TestFile},
    language::{Language, Layout, Unit},
};
use serde::Deserialize;

use super::{
    BUILD_DIR, CLASSES_BYTES, CLASSES_FILES, COMPILER_FILE_BYTES, COMPILER_OPEN_FILES, ExecLimits, ExecRequest,
    FetchRequest, Program, Role, SCRATCH_DIR, SOURCE_DIR, Sandbox, SandboxError, environment, java, layout::lay_out,
    program_limits, told, with_memory,
};
use crate::jail::Jail;

/// Bytes of what the preparation says.
const ANSWER_BYTES: u64 = 8 << 20;
/// Bytes of what the runner reports of one class.
const REPORT_BYTES: u64 = 4 << 20;
/// The folder for what the preparation makes; no package and no module can have this name.
const OUT: &str = "unit-out";

/// What the preparation found.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Prepared {
    /// One per suite that was asked for, in that order.
    pub suites: Vec<Suite>,
    /// What sources of the submission use that is not usual: module, what, and `tampering`, `reflection` or `odd`.
    #[serde(default)]
    pub uses: Vec<(String, String, String)>,
    /// Files for the runner, by the folder that a class names, then by path.
    #[serde(skip)]
    pub files: BTreeMap<String, Vec<(String, Vec<u8>)>>,
}

/// One suite.
#[derive(Debug, Clone, Deserialize)]
pub struct Suite {
    /// Names of all types or modules that the suite's files have.
    #[serde(default)]
    pub types: Vec<String>,
    /// Why its files cannot even be read.
    #[serde(default)]
    pub errors: Vec<UnitError>,
    /// Test classes or modules in order.
    pub classes: Vec<UnitClass>,
}

/// A class or module of tests: it is run in a process of its own.
#[derive(Debug, Clone, Deserialize)]
pub struct UnitClass {
    /// Its name for the runner.
    pub name: String,
    /// Where it is in the suite.
    pub file: String,
    /// Its tests in order.
    pub cases: Vec<UnitCase>,
    /// Whether something is looked at after the last test.
    #[serde(default)]
    pub last: bool,
    /// Why it does not fit the submission.
    #[serde(default)]
    pub errors: Vec<UnitError>,
    /// Which of the files are for it.
    pub out: String,
}

/// One test.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct UnitCase {
    /// The class that it is in; may be inside the class of tests.
    pub class: String,
    /// Its name there.
    pub method: String,
    /// What its own tag or marker says it is worth.
    #[serde(default)]
    pub points: Option<f64>,
}

/// A compiler's error about a file of a suite.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UnitError {
    /// The file.
    pub file: String,
    /// The line in it.
    pub line: u64,
    /// The compiler's own code of the message.
    pub code: String,
    /// Its message, which may quote names of the tests.
    pub message: String,
}

/// Makes suites ready. `built` is what compiling the submission has made; `sources` is the submission itself.
pub async fn prepare(
    sandbox: &Sandbox,
    language: &Language,
    unit: &Unit,
    (built, sources): (&[(String, Vec<u8>)], &[SourceFile]),
    suites: &[Vec<&TestFile>],
    job: &str,
) -> Result<Prepared, SandboxError> {
    let resources = sandbox.compile_resources(language);
    let mut jail = sandbox.take(language, resources, job).await?;
    let mut folders = Vec::new();
    let mut written = BTreeMap::new();
    for (number, files) in suites.iter().enumerate() {
        // No submission can have such a folder.
        let folder = format!("unit-{number}");
        let source = |f: &&&TestFile| SourceFile { name: f.name.clone(), content: f.content.clone() };
        let sources: Vec<_> = files.iter().filter(|f| language.compiles(&f.name)).map(|f| source(&f)).collect();
        // A suite without sources has no tests, and one that cannot be laid out is not valid: the lab was checked.
        let laid = lay_out(language, &sources).map(|laid| laid.files).unwrap_or_default();
        for (path, content) in laid {
            written.insert(format!("{folder}/{path}"), content);
        }
        folders.push(format!("{SOURCE_DIR}/{folder}"));
    }
    if language.layout == Layout::Flat {
        written.extend(sources.iter().map(|f| (f.name.clone(), f.content.clone().into_bytes())));
    }
    let files: Vec<_> = written.into_iter().collect();
    jail.write_sources(&files).await?;
    jail.put_build(built).await?;
    let mut argv = Vec::new();
    for element in &unit.prepare {
        if element == "{suites}" {
            argv.extend(folders.iter().cloned());
        } else {
            let element = with_memory(element, resources.memory_bytes).replace("{build}", BUILD_DIR);
            argv.push(element.replace("{out}", &format!("{BUILD_DIR}/{OUT}")));
        }
    }
    let limits = language.compile_limits;
    let rounds = u64::try_from(suites.len()).unwrap_or(1).max(1);
    let request = ExecRequest {
        role: Role::Compiler,
        argv,
        env: told(&environment(language), resources.memory_bytes),
        cwd: SCRATCH_DIR.to_owned(),
        limits: ExecLimits {
            cpu_ms: limits.cpu_ms.saturating_mul(rounds),
            wall_ms: limits.wall_ms.saturating_mul(rounds),
            output_bytes: ANSWER_BYTES,
            file_bytes: COMPILER_FILE_BYTES,
            open_files: COMPILER_OPEN_FILES,
            stack_bytes: None,
        },
        terminal: None,
        report: None,
        joined: None,
    };
    let done = jail.exec(request, b"").await?;
    if done.result.exit_code != Some(0) || done.result.stop.is_some() {
        let said = String::from_utf8_lossy(&done.stderr).chars().take(500).collect::<String>();
        return Err(SandboxError::Unit(format!("the tests could not be prepared: {:?}: {said}", done.result)));
    }
    let mut prepared: Prepared = serde_json::from_slice(&done.stdout)
        .map_err(|e| SandboxError::Unit(format!("the preparation of the tests says what cannot be read: {e}")))?;
    if prepared.suites.len() != suites.len() {
        return Err(SandboxError::Unit("the preparation of the tests leaves suites out".to_owned()));
    }
    prepared.files = if language.layout == Layout::Flat { as_written(&files) } else { made(&mut jail).await? };
    jail.destroy().await;
    Ok(prepared)
}

/// Classes that were compiled, by the folder that they are in.
async fn made(jail: &mut Jail) -> Result<BTreeMap<String, Vec<(String, Vec<u8>)>>, SandboxError> {
    let classes =
        FetchRequest { suffix: ".class".to_owned(), max_bytes: CLASSES_BYTES, max_files: CLASSES_FILES, scratch: None };
    let fetched = jail.fetch(classes).await?;
    if fetched.truncated {
        return Err(SandboxError::Unit("the tests make too many or too big classes".to_owned()));
    }
    let mut files: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for (path, content) in fetched.files {
        // unit-out/SUITE/PART/path
        let Some(inside) = path.strip_prefix(OUT).and_then(|p| p.strip_prefix('/')) else { continue };
        let Some((end, _)) = inside.match_indices('/').nth(1) else { continue };
        files.entry(inside[..end].to_owned()).or_default().push((inside[end + 1..].to_owned(), content));
    }
    Ok(files)
}

/// Sources as they are, by suite.
fn as_written(files: &[(String, Vec<u8>)]) -> BTreeMap<String, Vec<(String, Vec<u8>)>> {
    let mut found: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for (path, content) in files {
        if let Some((folder, name)) = path.split_once('/')
            && let Some(number) = folder.strip_prefix("unit-")
        {
            found.entry(number.to_owned()).or_default().push((name.to_owned(), content.clone()));
        }
    }
    found
}

/// What the compilation of a submission has made, from the jail in which it is to run.
pub async fn built(jail: &mut Jail) -> Result<Vec<(String, Vec<u8>)>, SandboxError> {
    let all =
        FetchRequest { suffix: ".class".to_owned(), max_bytes: CLASSES_BYTES, max_files: CLASSES_FILES, scratch: None };
    Ok(jail.fetch(all).await?.files)
}

impl Program {
    /// A class of tests as a process, with its limits.
    pub fn unit_request(&self, unit: &Unit, (cpu_ms, wall_ms, output_bytes): (u64, u64, u64)) -> ExecRequest {
        let argv = unit.run.iter().map(|e| with_memory(e, self.memory).replace("{build}", BUILD_DIR)).collect();
        ExecRequest {
            role: Role::Program,
            argv,
            env: told(&self.env, self.memory),
            cwd: SCRATCH_DIR.to_owned(),
            limits: program_limits(cpu_ms, wall_ms, output_bytes),
            terminal: None,
            report: Some(REPORT_BYTES),
            joined: None,
        }
    }
}

/// What the runner reads: the nonce, the class, the folder of the submission, and the files of the tests.
pub fn standard_input(language: &Language, nonce: &str, class: &str, files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut put = |part: &[u8]| {
        bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(part);
    };
    put(nonce.as_bytes());
    put(class.as_bytes());
    put(if language.layout == Layout::Flat { SOURCE_DIR } else { BUILD_DIR }.as_bytes());
    bytes.extend_from_slice(&u32::try_from(files.len()).unwrap_or(u32::MAX).to_be_bytes());
    for (path, content) in files {
        for part in [path.as_bytes(), content] {
            bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend_from_slice(part);
        }
    }
    bytes
}

/// Binary names of top-level types that Java sources declare.
pub fn declared_types(files: &[SourceFile]) -> Vec<String> {
    files
        .iter()
        .flat_map(|file| {
            let package = java::package::declared_package(&file.content);
            java::declared_names(&file.content).into_iter().map(move |name| {
                package.iter().map(String::as_str).chain([name.as_str()]).collect::<Vec<_>>().join(".")
            })
        })
        .collect()
}
