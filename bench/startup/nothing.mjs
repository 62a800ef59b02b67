/** Does nothing: what Node itself takes. */
export async function firstRead() {}
