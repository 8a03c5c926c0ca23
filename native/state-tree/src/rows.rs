//! The pages a pass will go through, fetched before it starts.
//!
//! Row by row from the top: the inner nodes in the bottom row of a page say which pages below exist. The look-ups of a
//! row do not depend on each other, so that the CPU can overlap their cache misses, and what the cache does not have is
//! read from the source in one call for each row.

use crate::{
    page::{BOTTOM, PAGE_LEVELS, PageKey, PageView},
    pass::Write,
    store::{Found, PageSource, PageStore, TreeError},
};

/// Pages of one depth, from left to right.
#[derive(Default)]
pub(crate) struct Row<'a> {
    pub(crate) keys: Vec<PageKey>,
    pub(crate) pages: Vec<Found<'a>>,
}

/// Fetches the pages on the paths of the writes, beginning with these pages, all at `depth`; `groups` are the numbers of
/// the first write and the write after the last below each.
pub(crate) fn fetch<'a, S: PageSource>(
    store: &'a PageStore<S>,
    keys: Vec<PageKey>,
    mut groups: Vec<(u32, u32)>,
    writes: &[Write],
    is_deep: bool,
) -> Result<Vec<Row<'a>>, TreeError> {
    let mut rows = Vec::new();
    let mut keys = keys;
    while let Some(depth) = keys.first().map(PageKey::depth) {
        let mut pages = Vec::with_capacity(keys.len());
        store.get_many(&keys, &mut pages)?;
        let (mut next_keys, mut next_groups) = (Vec::new(), Vec::new());
        if is_deep {
            for (page, (first, end)) in pages.iter().zip(&groups) {
                let inner = PageView::new(page).inner();
                let mut at = *first as usize;
                while at < *end as usize {
                    let path = &writes[at].path;
                    let slot = path.bits(depth, PAGE_LEVELS);
                    let len = writes[at..*end as usize]
                        .iter()
                        .take_while(|write| write.path.bits(depth, PAGE_LEVELS) == slot)
                        .count();
                    if inner >> (BOTTOM + slot) & 1 == 1 {
                        next_keys.push(PageKey::new(path, depth + PAGE_LEVELS));
                        next_groups.push((at as u32, (at + len) as u32));
                    }
                    at += len;
                }
            }
        }
        rows.push(Row { keys, pages });
        (keys, groups) = (next_keys, next_groups);
    }
    Ok(rows)
}

/// The pages that came from the source.
pub(crate) fn into_loaded(rows: Vec<Row<'_>>) -> Vec<(PageKey, Vec<u8>)> {
    let pages = rows.into_iter().flat_map(|row| row.keys.into_iter().zip(row.pages));
    pages
        .filter_map(|(key, page)| match page {
            Found::Cached(_) => None,
            Found::Loaded(page) => Some((key, page)),
        })
        .collect()
}
