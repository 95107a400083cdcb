//! What an unmodified prover asked to be hashed, and when it is: nothing runs until a digest is read, then everything
//! that is pending runs in a few large jobs.

use std::cell::RefCell;

use hotloop::{
    grind_tries, Device, Digest, GrindRequest, HotloopError, Leaves, Offload, TreeRequest, Zeros, STATE_WORDS,
};

use super::hasher::Ticket;
use crate::error::ProveError;

thread_local! {
    static SESSION: RefCell<Option<Session>> = const { RefCell::new(None) };
}

/// A leaf or a parent that is not hashed yet.
enum Node {
    Leaf { start: usize, width: usize },
    Parent([Ticket; 2]),
}

/// A pending node as the root of a complete tree over consecutive leaves.
#[derive(Clone, Copy)]
struct Complete {
    height: u32,
    /// Number of its first leaf among the pending leaves.
    first: usize,
    width: usize,
    /// It is part of a larger one.
    inner: bool,
}

/// Complete trees side by side: one job.
struct Group {
    first: usize,
    trees: usize,
    height: u32,
    width: usize,
}

impl Group {
    fn leaves(&self) -> usize {
        self.trees << self.height
    }
}

pub(crate) struct Session {
    device: Device,
    bits: u32,
    /// Digests of tickets 0 ….
    digests: Vec<Digest>,
    /// Tickets from `digests.len()`.
    pending: Vec<Node>,
    /// Elements of the pending leaves.
    elements: Vec<u64>,
    /// The state that was last ground for (with 0 for the nonce), where the nonce goes, and the nonce.
    ground: Option<([u64; STATE_WORDS], usize, u64)>,
    host_permutations: u64,
    /// The device failed while grinding: see [`Session::is_nonce`].
    failed: Option<HotloopError>,
}

/// What a session did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionReport {
    /// Permutations on the host: those of the transcript, and of hashes outside trees.
    pub host_permutations: u64,
    /// What the device did.
    pub offload: Offload,
}

impl Session {
    /// Makes a session this thread's own while `f` runs.
    pub fn scope<T>(device: Device, bits: u32, f: impl FnOnce() -> T) -> (T, SessionReport) {
        /// Takes the session away also when `f` unwinds.
        struct Guard;
        impl Drop for Guard {
            fn drop(&mut self) {
                SESSION.with_borrow_mut(|session| *session = None);
            }
        }
        let before = device.offload();
        let session = Session {
            device: device.clone(),
            bits,
            digests: Vec::new(),
            pending: Vec::new(),
            elements: Vec::new(),
            ground: None,
            host_permutations: 0,
            failed: None,
        };
        SESSION.with_borrow_mut(|slot| *slot = Some(session));
        let _guard = Guard;
        let result = f();
        let host_permutations = SESSION.with_borrow(|session| session.as_ref().map_or(0, |s| s.host_permutations));
        (result, SessionReport { host_permutations, offload: device.offload() - before })
    }

    /// The session of this thread does something. plonky2's traits cannot return errors: a device's error unwinds to
    /// [`super::with_device`], which returns it.
    pub fn with<T>(f: impl FnOnce(&mut Session) -> Result<T, HotloopError>) -> T {
        let result = SESSION.with_borrow_mut(|session| match session {
            Some(session) => f(session),
            None => panic!("OffloadConfig hashes only inside hotloop_plonky2::with_device, in its thread"),
        });
        result.unwrap_or_else(|error| std::panic::resume_unwind(Box::new(ProveError::from(error))))
    }

    /// The host is about to permute.
    pub fn host_permutation(&mut self) -> Result<(), HotloopError> {
        self.host_permutations += 1;
        self.failed.take().map_or(Ok(()), Err)
    }

    pub fn leaf(&mut self, elements: impl ExactSizeIterator<Item = u64>) -> Ticket {
        let (start, width) = (self.elements.len(), elements.len());
        self.elements.extend(elements);
        self.push(Node::Leaf { start, width })
    }

    pub fn parent(&mut self, children: [Ticket; 2]) -> Ticket {
        self.push(Node::Parent(children))
    }

    fn push(&mut self, node: Node) -> Ticket {
        self.pending.push(node);
        Ticket::Pending(self.digests.len() + self.pending.len() - 1)
    }

    pub fn digest(&mut self, ticket: Ticket) -> Result<Digest, HotloopError> {
        match ticket {
            Ticket::Known(digest) => Ok(digest),
            Ticket::Pending(id) => {
                if id >= self.digests.len() {
                    self.flush()?;
                }
                self.digests.get(id).copied().ok_or_else(|| foreign(id))
            }
        }
    }

    /// Whether the nonce in a state is the smallest that will do.
    ///
    /// A prover asks inside a parallel search. Unwinding out of one would first make it search the other half, for
    /// ever: after a device's error every nonce will do, the search ends, and the transcript's next permutation, which
    /// follows at once, says what happened.
    pub fn is_nonce(&mut self, state: [u64; STATE_WORDS], position: usize) -> bool {
        if self.failed.is_some() {
            return true;
        }
        match self.nonce(state, position) {
            Ok(nonce) => state[position] == nonce,
            Err(error) => {
                self.failed = Some(error);
                true
            }
        }
    }

    fn nonce(&mut self, mut state: [u64; STATE_WORDS], position: usize) -> Result<u64, HotloopError> {
        state[position] = 0;
        match self.ground {
            Some((known, at, nonce)) if (known, at) == (state, position) => Ok(nonce),
            _ => {
                let request = GrindRequest {
                    state,
                    position: position as u8,
                    output_word: 7,
                    bits: self.bits,
                    zeros: Zeros::Leading,
                    start: 0,
                    tries: grind_tries(self.bits),
                };
                let nonce = self.device.grind(&request)?;
                self.ground = Some((state, position, nonce));
                Ok(nonce)
            }
        }
    }

    /// Hashes everything that is pending.
    fn flush(&mut self) -> Result<(), HotloopError> {
        let base = self.digests.len();
        let (nodes, elements) = (std::mem::take(&mut self.pending), std::mem::take(&mut self.elements));
        let mut digests: Vec<Option<Digest>> = vec![None; nodes.len()];
        let (complete, leaves) = complete_trees(base, &nodes);

        let groups = groups(&complete);
        let rows: Vec<Vec<&[u64]>> = groups
            .iter()
            .map(|group| {
                leaves[group.first..][..group.leaves()]
                    .iter()
                    .map(|&(start, width)| &elements[start..][..width])
                    .collect()
            })
            .collect();
        let requests: Vec<TreeRequest<'_, &[u64]>> = groups
            .iter()
            .zip(&rows)
            .map(|(group, rows)| TreeRequest { leaves: Leaves::Rows(rows), levels: group.height })
            .collect();
        let trees = self.device.trees(&requests)?;
        for (node, digest) in complete.iter().zip(&mut digests) {
            let Some(node) = node else { continue };
            let index = groups.partition_point(|group| group.first <= node.first) - 1;
            *digest = Some(trees[index].level(node.height)[(node.first - groups[index].first) >> node.height]);
        }

        // What is left are parents over digests of different trees: level by level.
        while digests.contains(&None) {
            let known = |ticket: &Ticket| match *ticket {
                Ticket::Known(digest) => Some(digest),
                Ticket::Pending(id) if id < base => self.digests.get(id).copied(),
                Ticket::Pending(id) => digests.get(id - base).copied().flatten(),
            };
            let ready: Vec<(usize, Vec<u64>)> = nodes
                .iter()
                .enumerate()
                .filter(|(i, _)| digests[*i].is_none())
                .filter_map(|(i, node)| match node {
                    Node::Parent([left, right]) => Some((i, [known(left)?, known(right)?].concat())),
                    Node::Leaf { .. } => None,
                })
                .collect();
            if ready.is_empty() {
                return Err(foreign(base));
            }
            let rows: Vec<&[u64]> = ready.iter().map(|(_, row)| row.as_slice()).collect();
            let hashed = self.device.hash_leaves(Leaves::Rows(&rows))?;
            for ((i, _), digest) in ready.iter().zip(hashed) {
                digests[*i] = Some(digest);
            }
        }
        self.digests.extend(digests.into_iter().flatten());
        Ok(())
    }
}

fn foreign(id: usize) -> HotloopError {
    HotloopError::BadShape { job: "hash", reason: format!("digest {id} belongs to another session of OffloadConfig") }
}

/// For each pending node the complete tree that it is the root of, if it is one; and where each leaf's elements are.
fn complete_trees(base: usize, nodes: &[Node]) -> (Vec<Option<Complete>>, Vec<(usize, usize)>) {
    let mut complete: Vec<Option<Complete>> = Vec::with_capacity(nodes.len());
    let mut leaves = Vec::new();
    for node in nodes {
        let found = match *node {
            Node::Leaf { start, width } => {
                leaves.push((start, width));
                Some(Complete { height: 0, first: leaves.len() - 1, width, inner: false })
            }
            Node::Parent(children) => {
                let [left, right] = children.map(|child| match child {
                    Ticket::Pending(id) if id >= base => Some(id - base),
                    _ => None,
                });
                match (left, right) {
                    (Some(left), Some(right)) => join(&mut complete, left, right),
                    _ => None,
                }
            }
        };
        complete.push(found);
    }
    (complete, leaves)
}

/// Two complete trees of equal height and width side by side are one.
fn join(complete: &mut [Option<Complete>], left: usize, right: usize) -> Option<Complete> {
    let (a, b) = (complete.get(left).copied()??, complete.get(right).copied()??);
    let side_by_side = a.first + (1 << a.height) == b.first;
    if a.inner || b.inner || a.height != b.height || a.width != b.width || !side_by_side {
        return None;
    }
    for i in [left, right] {
        complete[i] = Some(Complete { inner: true, ..complete[i]? });
    }
    Some(Complete { height: a.height + 1, inner: false, ..a })
}

/// Complete trees that are no part of larger ones, neighbours of one shape together, in order of their leaves.
fn groups(complete: &[Option<Complete>]) -> Vec<Group> {
    let mut roots: Vec<Complete> = complete.iter().flatten().copied().filter(|node| !node.inner).collect();
    roots.sort_by_key(|root| root.first);
    let mut groups: Vec<Group> = Vec::new();
    for root in roots {
        match groups.last_mut() {
            Some(group) if (group.height, group.width) == (root.height, root.width) => group.trees += 1,
            _ => groups.push(Group { first: root.first, trees: 1, height: root.height, width: root.width }),
        }
    }
    groups
}
