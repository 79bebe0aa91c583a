/** Load-balancing policies. */

export {};
