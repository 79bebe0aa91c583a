/** Lists that are walked while an answer goes out. */

/** What `print` makes of the items that are wanted, one at a time. */
export function* printed<Item, Printed>(
  items: Iterable<Item>,
  wanted: (item: Item) => boolean,
  print: (item: Item) => Printed,
): Generator<Printed, void, undefined> {
  for (const item of items) if (wanted(item)) yield print(item);
}
