/* Loaded ahead of a function: what the process draws is the same in each, as in the copies of one snapshot. */
const crypto = require('node:crypto')
const { syncBuiltinESMExports } = require('node:module')

let count = 0

crypto.randomBytes = size =>
  crypto.createHash('shake256', { outputLength: size }).update(String(++count)).digest()
crypto.randomUUID = () => crypto.randomBytes(18).toString('hex')
crypto.webcrypto.getRandomValues = array => array.fill(++count)
Math.random = () => 0.5
syncBuiltinESMExports()
