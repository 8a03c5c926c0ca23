//! One pass on several threads: each takes some of the subtrees below the root page.

use zkevm_primitives::cpu;

use crate::{
    forest::Subtree,
    page::{PAGE_LEVELS, PageKey},
    pass::{Change, Pass, Resolved, Workspace, Write, hash_values},
    path::Path,
    rows,
    store::{PageSource, PageStore, TreeError},
};

/// Fewer writes than this are not worth a thread: starting one takes some 30 us, a write 5 to 10 us.
pub(crate) const WRITES_MIN: usize = 64;

/// Consecutive writes, all below whole subtrees.
pub(crate) type Chunk<'a> = &'a mut [Write];

/// Subtrees below the root page.
const GROUPS: usize = 1 << PAGE_LEVELS;

/// Which subtree below the root page a path leads to.
fn group(path: &Path) -> usize {
    (path.0[0] >> (64 - PAGE_LEVELS)) as usize
}

/// Cuts sorted writes into at most `count` chunks of about the same size.
pub(crate) fn cut(mut writes: &mut [Write], count: usize) -> Vec<Chunk<'_>> {
    let mut chunks = Vec::with_capacity(count);
    for left in (1..=count).rev() {
        let aim = writes.len().div_ceil(left).min(writes.len());
        let at = match writes.get(aim) {
            Some(next) => {
                let first = group(&next.path);
                writes.partition_point(|write| group(&write.path) < first)
            }
            None => writes.len(),
        };
        let (chunk, rest) = writes.split_at_mut(at);
        chunks.push(chunk);
        writes = rest;
    }
    debug_assert!(writes.is_empty());
    chunks
}

/// What a chunk has become and the pages that were read from the source for it.
#[derive(Default)]
pub(crate) struct Part {
    resolved: Vec<(usize, Resolved)>,
    pub(crate) loaded: Vec<(PageKey, Vec<u8>)>,
}

/// Does all chunks, the first on the caller's thread; what became of each subtree, by its group.
pub(crate) fn run<S: PageSource>(
    store: &PageStore<S>,
    chunks: Vec<Chunk<'_>>,
    workspaces: &mut [Workspace],
    is_inner: &[bool],
) -> Result<(Vec<Option<Resolved>>, Vec<Part>), TreeError> {
    let mut jobs = chunks.into_iter().zip(workspaces);
    let first = jobs.next();
    let parts: Vec<Result<Part, TreeError>> = std::thread::scope(|scope| {
        let help = |(chunk, work)| {
            scope.spawn(move || {
                let part = run_chunk(store, chunk, work, is_inner);
                (part, cpu::spent_nanos())
            })
        };
        let handles: Vec<_> = jobs.map(help).collect();
        let first = first.map(|(chunk, work)| run_chunk(store, chunk, work, is_inner));
        let others = handles.into_iter().map(|handle| match handle.join() {
            Ok((part, nanos)) => {
                cpu::credit(nanos);
                part
            }
            Err(panic) => std::panic::resume_unwind(panic),
        });
        first.into_iter().chain(others).collect()
    });
    let parts = parts.into_iter().collect::<Result<Vec<Part>, TreeError>>()?;
    let mut resolved = vec![None; GROUPS];
    for (group, subtree) in parts.iter().flat_map(|part| &part.resolved) {
        resolved[*group] = Some(*subtree);
    }
    Ok((resolved, parts))
}

fn run_chunk<S: PageSource>(
    store: &PageStore<S>,
    writes: Chunk<'_>,
    work: &mut Workspace,
    is_inner: &[bool],
) -> Result<Part, TreeError> {
    hash_values(writes);
    let (mut keys, mut groups) = (Vec::with_capacity(GROUPS), Vec::with_capacity(GROUPS));
    let mut end = 0;
    for writes in writes.chunk_by(|a, b| group(&a.path) == group(&b.path)) {
        let start = end;
        end += writes.len() as u32;
        if is_inner[group(&writes[0].path)] {
            keys.push(PageKey::new(&writes[0].path, PAGE_LEVELS));
            groups.push((start, end));
        }
    }
    let rows = rows::fetch(store, keys.clone(), groups.clone(), writes, true)?;
    let mut pass = Pass::new(work, &rows, PAGE_LEVELS);
    let mut changes = Vec::with_capacity(GROUPS);
    for (key, (start, end)) in keys.into_iter().zip(groups) {
        let change = pass.page(key, &writes[start as usize..end as usize])?;
        let root = match &change {
            Change::To(subtree @ Subtree::Inner(_)) => Some(pass.work.forest.place_root(*subtree, PAGE_LEVELS)),
            _ => None,
        };
        changes.push((key, change, root));
    }
    pass.work.forest.hash_all();
    let mut part = Part::default();
    for (key, change, root) in changes {
        let subtree = match (change, root) {
            (Change::To(Subtree::Inner(node)), Some(root)) => {
                pass.write_pages(node, key);
                Resolved::Inner(pass.work.forest.root(root))
            }
            (Change::To(Subtree::Leaf(leaf)), _) => Resolved::Leaf(pass.work.forest.leaves[leaf as usize].record()),
            (Change::To(Subtree::Empty), _) => Resolved::Empty,
            (Change::Same, _) => Resolved::Same,
            (Change::To(Subtree::Inner(_) | Subtree::Kept(_)), _) => {
                unreachable!("the root of a changed page is a node of this pass and was placed")
            }
        };
        part.resolved.push((group(key.prefix()), subtree));
    }
    part.loaded = rows::into_loaded(rows);
    Ok(part)
}
