//! Where a report goes, checked before anything is read at length.

use crate::cli::{ReportArguments, ReportFormat};
use crate::failure::Failure;
use crate::run_directory::RunDirectory;
use anyhow::anyhow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A file, or a folder of charts.
pub(super) struct Destination {
    path: PathBuf,
}

/// `--format`, or what the ending of `--out` says.
pub(super) fn format(arguments: &ReportArguments) -> Result<ReportFormat, Failure> {
    let Some(out) = &arguments.out else { return Ok(arguments.format.unwrap_or(ReportFormat::Html)) };
    let ending = out.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    match (arguments.format, ending.as_deref()) {
        (Some(format), _) => Ok(format),
        (None, None | Some("html" | "htm")) => Ok(ReportFormat::Html),
        (None, Some("md" | "markdown")) => Ok(ReportFormat::Md),
        (None, Some(_)) => {
            let problem = "does not end in .html or .md: call it so, or say what to write with --format html, md, svg or png";
            Err(Failure::usage(anyhow!("--out {} {problem}", out.display())))
        }
    }
}

impl Destination {
    /// `--out`, or the page in `folder`, which is of that run or study alone, or a name in the current folder.
    pub(super) fn choose(arguments: &ReportArguments, format: ReportFormat, folder: Option<&Path>) -> Result<Self, Failure> {
        let is_folder = matches!(format, ReportFormat::Svg | ReportFormat::Png);
        let path = match (&arguments.out, format, folder) {
            (Some(out), ..) => out.clone(),
            // Such a page is made of the files beside it, and may be made anew.
            (None, ReportFormat::Html, Some(folder)) => return Ok(Self { path: folder.join(RunDirectory::REPORT) }),
            (None, ReportFormat::Html, None) => PathBuf::from("report.html"),
            (None, ReportFormat::Md, _) => PathBuf::from("report.md"),
            (None, ReportFormat::Svg | ReportFormat::Png, _) => PathBuf::from("report_charts"),
        };
        if path.is_dir() && !is_folder {
            return Err(Failure::usage(anyhow!("--out {} is a folder: give the name of a file", path.display())));
        }
        if path.is_file() && is_folder {
            return Err(Failure::usage(anyhow!("--out {} is a file, and charts need a folder: give another name", path.display())));
        }
        let destination = Self { path };
        let is_md = format == ReportFormat::Md;
        let taken = [Some(destination.path.clone()), is_md.then(|| destination.chart_folder())];
        match taken.into_iter().flatten().find(|path| path.symlink_metadata().is_ok()) {
            Some(path) if !arguments.force => {
                Err(Failure::usage(anyhow!("--out {} exists already: give another name, or replace it with --force", path.display())))
            }
            _ => Ok(destination),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// `report_charts` beside `report.md`.
    pub(super) fn chart_folder_name(&self) -> String {
        format!("{}_charts", self.path.file_stem().unwrap_or(OsStr::new("report")).to_string_lossy())
    }

    pub(super) fn chart_folder(&self) -> PathBuf {
        self.path.with_file_name(self.chart_folder_name())
    }
}
