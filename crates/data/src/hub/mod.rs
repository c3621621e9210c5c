//! MNIST-like data sets from the Hugging Face hub, through `candle-datasets`.
//!
//! `HF_ENDPOINT`, `HF_HOME`, `HF_HUB_CACHE`, `HF_TOKEN` and the proxy variables mean what they mean to `hf-hub`.

mod decode;
mod parquet_set;
mod reason;
mod store;

use crate::parquet_files::quietly;
use candle_datasets::hub::from_hub;
use hf_hub::{HFClientBuilder, HFClientSync};
use parquet::file::reader::FileReader;
pub(crate) use parquet_set::fetch as fetch_parquet;
use reason::{hub_reason, read_reason};
use std::cmp::Ordering;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// The hub converts every data set to parquet on this branch; `candle-datasets` reads it.
const PARQUET_REVISION: &str = "refs/convert/parquet";
/// Retries after a failure, 0.2 s to 0.8 s apart at the most: `hf-hub`'s own five take up to 6 s where nobody listens.
const RETRIES: usize = 3;
/// How long the hub may take to list its files. `hf-hub` sets no time limit: where packets vanish, each attempt would take minutes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Downloads the data set `repository` and stores it in `folder` as four IDX files.
///
/// # Errors
/// The reason as one clause without a line break, to be shown in brackets.
pub(crate) fn fetch(repository: &str, folder: &Path) -> Result<(), String> {
    store::check_place(folder)?;
    let client = client()?;
    match listing(&client, repository, PATIENCE)?.iter().filter(|file| file.ends_with(".parquet")).count() {
        2 => {}
        files => return Err(not_two(files)),
    }
    let decoded = || {
        let files = from_hub(&client, repository.to_owned()).map_err(|error| read_reason(&error))?;
        let (train, test) = train_and_test(files)?;
        Ok((decode::decode(&train, "train")?, decode::decode(&test, "test")?))
    };
    let (train, test) = quietly(decoded).unwrap_or_else(|| Err("a file that was downloaded is damaged".to_owned()))?;
    if (train.height, train.width) != (test.height, test.width) {
        let sizes = [&train, &test].map(|images| format!("{} x {}", images.height, images.width)).join(" and ");
        return Err(format!("the images of the train file and of the test file differ in size: {sizes}"));
    }
    store::store(folder, &train, &test)
}

fn client() -> Result<HFClientSync, String> {
    HFClientBuilder::new().retry_max_attempts(RETRIES).build_sync().map_err(|error| hub_reason(&error))
}

/// Asks for the list of files, with a time limit: the one place where a missing network shows, before anything is downloaded.
fn listing(client: &HFClientSync, repository: &str, patience: Duration) -> Result<Vec<String>, String> {
    let (owner, name) = hf_hub::split_id(repository);
    let dataset = client.dataset(owner, name);
    let (sender, receiver) = mpsc::channel();
    // Nobody waits for this thread once the time is up: it cannot be cancelled, not even while a name is being looked up.
    let ask = move || drop(sender.send(dataset.info().revision(PARQUET_REVISION).send()));
    std::thread::Builder::new().name("hub-listing".into()).spawn(ask).map_err(|error| format!("cannot start a thread: {error}"))?;
    let answer = receiver.recv_timeout(patience);
    let listing = answer.map_err(|_| format!("the hub did not answer within {} seconds", patience.as_secs_f32()))?;
    let siblings = listing.map_err(|error| hub_reason(&error))?.siblings.unwrap_or_default();
    Ok(siblings.into_iter().map(|sibling| sibling.rfilename).collect())
}

fn not_two(files: usize) -> String {
    format!("a train file and a test file were expected, and the hub has {files} parquet files")
}

/// Which file is which: they come without names, and a train set is larger than its test set.
fn train_and_test<R: FileReader>(files: Vec<R>) -> Result<(R, R), String> {
    let [first, second] = <[R; 2]>::try_from(files).map_err(|files| not_two(files.len()))?;
    let rows = |file: &R| file.metadata().file_metadata().num_rows();
    match rows(&first).cmp(&rows(&second)) {
        Ordering::Greater => Ok((first, second)),
        Ordering::Less => Ok((second, first)),
        Ordering::Equal => Err(format!("the train file cannot be told from the test file: both have {} rows", rows(&first))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub_file;
    use parquet::file::reader::SerializedFileReader;
    use std::fs::File;
    use std::net::TcpListener;
    use std::time::Instant;

    fn file(rows: usize) -> SerializedFileReader<File> {
        let path = tempfile::NamedTempFile::new().unwrap();
        hub_file::write(path.path(), hub_file::SCHEMA, &vec![Some(hub_file::png(1, 1, &[0])); rows], 0);
        SerializedFileReader::new(path.into_file()).unwrap()
    }

    fn rows(file: &impl FileReader) -> i64 {
        file.metadata().file_metadata().num_rows()
    }

    #[test]
    fn the_larger_file_is_the_train_file_in_either_order() {
        for counts in [[3, 2], [2, 3]] {
            let (train, test) = train_and_test(counts.map(file).into()).unwrap();
            assert_eq!((rows(&train), rows(&test)), (3, 2));
        }
    }

    #[test]
    fn files_of_one_size_or_another_number_of_files_are_refused() {
        let message = |files: &[usize]| train_and_test(files.iter().map(|rows| file(*rows)).collect()).err().unwrap();
        assert!(message(&[2, 2]).contains("both have 2 rows"));
        assert!(message(&[2]).contains("the hub has 1 parquet files"));
        assert!(message(&[4, 3, 2]).contains("the hub has 3 parquet files"));
    }

    #[test]
    fn a_hub_that_accepts_and_says_nothing_is_given_up() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", silent.local_addr().unwrap());
        let client = HFClientBuilder::new().endpoint(endpoint).build_sync().unwrap();
        let start = Instant::now();
        let message = listing(&client, "ylecun/mnist", Duration::from_millis(500)).unwrap_err();
        assert_eq!(message, "the hub did not answer within 0.5 seconds");
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }
}
