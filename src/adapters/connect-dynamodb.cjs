/*
 * What `require('dynamodb-sessions/connect-dynamodb')` gives: the function, as that of connect-dynamodb. By its properties it
 * is what `import` gives, too, for code that was compiled to CommonJS. It is published as it is.
 */
'use strict'

const { connectDynamoDB } = require('./connect-dynamodb.js')

module.exports = Object.assign(connectDynamoDB, { connectDynamoDB, default: connectDynamoDB })
