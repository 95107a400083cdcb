//! The thread that owns a board and runs its clock.

use std::{
    any::Any,
    panic::{catch_unwind, AssertUnwindSafe},
    sync::{
        mpsc::{channel, Receiver, Sender, TryRecvError},
        Arc, OnceLock,
    },
    thread::{Builder, JoinHandle},
};

use crate::board::{Board, Fatal};

/// Cycles between two looks for requests. A look costs about as much as a cycle of a very small model.
const BATCH: u32 = 16;

type Job = Box<dyn FnOnce(&mut Board) -> Result<(), Fatal> + Send>;

/// A board's thread. Dropping this ends it.
pub(crate) struct Worker {
    jobs: Option<Sender<Job>>,
    /// Why the thread ended: set when it has, however that came.
    reason: Arc<OnceLock<String>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Gives `board` a thread.
    pub fn spawn(board: Board) -> std::io::Result<Worker> {
        let (jobs, requests) = channel();
        let reason = Arc::new(OnceLock::new());
        let told = Arc::clone(&reason);
        let thread = Builder::new().name("hotloop-sim".to_owned()).spawn(move || {
            let end = catch_unwind(AssertUnwindSafe(|| run(board, &requests)));
            let text = match end {
                Ok(Ok(())) => "closed".to_owned(),
                Ok(Err(fatal)) => fatal,
                Err(panic) => format!("the model's thread panicked: {}", panic_text(&*panic)),
            };
            let _ = told.set(text);
        })?;
        Ok(Worker { jobs: Some(jobs), reason, thread: Some(thread) })
    }

    /// Does `work` between two cycles and waits for it. The error says why the board is gone.
    pub fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Board) -> Result<T, Fatal> + Send + 'static,
    ) -> Result<T, String> {
        let (reply, answer) = channel();
        let job: Job = Box::new(move |board| {
            // The receiver waits below, so it is there.
            work(board).map(|value| drop(reply.send(value)))
        });
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
        match sent.then(|| answer.recv()) {
            Some(Ok(value)) => Ok(value),
            // The thread has ended or is about to: it says why in any case.
            _ => Err(self.reason.wait().clone()),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // Its panics were caught.
            let _ = thread.join();
        }
    }
}

/// Runs the clock while there is work, sleeps while there is none, until nobody is left to ask for anything.
fn run(mut board: Board, requests: &Receiver<Job>) -> Result<(), Fatal> {
    loop {
        let job = if board.active() {
            for _ in 0..BATCH {
                board.cycle()?;
                if !board.active() {
                    break;
                }
            }
            match requests.try_recv() {
                Ok(job) => job,
                Err(TryRecvError::Empty) => continue,
                Err(TryRecvError::Disconnected) => return Ok(()),
            }
        } else {
            match requests.recv() {
                Ok(job) => job,
                Err(_) => return Ok(()),
            }
        };
        job(&mut board)?;
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "without a message",
    }
}
