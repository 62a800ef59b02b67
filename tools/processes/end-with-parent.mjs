/*
 * Preloaded into a forked program: when the process that forked it is gone, the program is asked to end, the
 * way its own shutdown handler expects it.
 */
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
