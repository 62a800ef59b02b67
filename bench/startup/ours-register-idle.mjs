import 'dynamodb-sessions/register'

/** Does nothing: what the preload takes in a program without sessions. */
export async function firstRead() {}
