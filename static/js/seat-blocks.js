// Which seats side by side a party gets at a seat. Pure: indices in, indices out. The server decides what is granted and
// what it advises against; here only the map is known, so this chooses as the server does where the map says enough.

const LEFT_ALONE = 100; // of the distance of a block, which is a few seats at most

/** `starts`: the index with which each segment begins; `count`: of all seats. */
export function segmentsFrom(starts, count) {
  const ends = [...starts.slice(1), count];
  const segments = [];
  starts.forEach((start, n) => segments.push(...Array(ends[n] - start).fill([start, ends[n]])));
  return segments;
}

/**
 * The `n` seats side by side with seat `i` among them, `i` as near to their middle as can be, or null. Blocks that leave a
 * single seat or half a sofa are taken only where there is no other.
 *
 * `segments[i]` is the first index of its segment and the one after its last; `isFree(i)`; `kindOf(i)` as drawn.
 */
export function blockAt(i, n, { segments, isFree, kindOf }) {
  const [first, end] = segments[i];
  const isPlace = (at) => ["wheelchair", "companion"].includes(kindOf(at));
  const may = (at) => at >= first && at < end && isFree(at) && (isPlace(i) || !isPlace(at));
  if (!may(i)) return null;
  let [low, high] = [i, i + 1];
  while (low > i - n + 1 && may(low - 1)) low -= 1;
  while (high < i + n && may(high)) high += 1;
  const isSingle = (seat, beyond) => may(seat) && !isPlace(seat) && !(beyond >= first && beyond < end && isFree(beyond));
  const cost = (start) => {
    const last = start + n - 1;
    const halves = [kindOf(start) === "sofa-end" && may(start - 1), kindOf(last) === "sofa-start" && may(last + 1)];
    const singles = [isSingle(start - 1, start - 2), isSingle(last + 1, last + 2)];
    return [...halves, ...singles].filter(Boolean).length * LEFT_ALONE + Math.abs((start + last) / 2 - i);
  };
  let best = null;
  for (let start = low; start + n <= high; start += 1) if (best === null || cost(start) < cost(best)) best = start;
  return best === null ? null : Array.from({ length: n }, (_, at) => best + at);
}
