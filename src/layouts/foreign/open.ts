import { invalidArgument } from '../../errors.ts'
import type { PhpSerializer } from '../php/session-variables.ts'
import type { Layout } from '../layout.ts'
import type { SpecialKey } from './connect-dynamodb.ts'

/** Other software whose items can be read and written. */
export type ForeignLayoutName =
  | 'php'
  | 'connect-dynamodb'
  | 'dynamodb-store'
  | 'connect-dynamodb-session'
  | 'pwrdrvr'
  | 'serverless-dynamodb-session-store'
  | 'koa-session-dynamodb'
  | 'adonis'
  | 'architect'
  | 'aws-ruby'
  | 'laravel'

/** What {@link openForeignLayout} heeds of the options of a store; what is absent is as the software has it. */
export interface ForeignLayoutOptions {
  readonly layout?: ForeignLayoutName | 'native' | undefined
  readonly partitionKey?: string | undefined
  readonly prefix?: string | undefined
  readonly specialKeys?: readonly SpecialKey[] | undefined
  readonly sessionName?: string | undefined
  readonly serializer?: PhpSerializer | undefined
  readonly base64?: boolean | undefined
  readonly emptyArray?: 'list' | 'map' | undefined
  readonly dataAttribute?: string | undefined
  readonly dataAttributeType?: 'string' | 'binary' | undefined
  readonly ttlAttribute?: string | undefined
  readonly staleLockSeconds?: number | undefined
  readonly serialization?: 'php' | 'json' | undefined
}

/**
 * The layout of other software, loaded when it is needed.
 *
 * @throws {TypeError} `INVALID_OPTION` when the options contradict the layout.
 */
export async function openForeignLayout(options: ForeignLayoutOptions): Promise<Layout> {
  const { layout } = options
  const keys = (partitionKey: string, prefix: string): { partitionKey: string; prefix: string } => ({
    partitionKey: options.partitionKey ?? partitionKey,
    prefix: options.prefix ?? prefix,
  })
  switch (layout) {
    case 'php': {
      const { phpLayout } = await import('../php/php-layout.ts')
      return phpLayout({ ...options, ...keys('id', '') })
    }
    case 'laravel': {
      const { laravelLayout } = await import('../php/laravel-layout.ts')
      return laravelLayout({ ...keys('key', ''), serialization: options.serialization })
    }
    case 'connect-dynamodb': {
      const { connectDynamoDBLayout } = await import('./connect-dynamodb.ts')
      return connectDynamoDBLayout({ ...keys('id', 'sess:'), specialKeys: options.specialKeys ?? [] })
    }
    case 'dynamodb-store': {
      const { dynamoDBStoreLayout } = await import('./dynamodb-store.ts')
      return dynamoDBStoreLayout(keys('sessionId', 'sess:'))
    }
    case 'connect-dynamodb-session': {
      const { connectDynamoDBSessionLayout } = await import('./connect-dynamodb-session.ts')
      return connectDynamoDBSessionLayout(keys('id', ''))
    }
    case 'pwrdrvr': {
      const { pwrdrvrLayout } = await import('./pwrdrvr.ts')
      return pwrdrvrLayout(keys('id', 'session#'))
    }
    case 'serverless-dynamodb-session-store': {
      const { serverlessDynamoDBSessionStoreLayout } = await import('./serverless-dynamodb-session-store.ts')
      return serverlessDynamoDBSessionStoreLayout(keys('sessionId', ''))
    }
    case 'koa-session-dynamodb': {
      const { koaSessionDynamoDBLayout } = await import('./koa-session-dynamodb.ts')
      return koaSessionDynamoDBLayout(keys('sessionId', ''))
    }
    case 'adonis': {
      const { adonisLayout } = await import('./adonis.ts')
      return adonisLayout(keys('key', ''))
    }
    case 'architect': {
      const { architectLayout } = await import('./architect.ts')
      return architectLayout(keys('_idx', ''))
    }
    case 'aws-ruby': {
      const { awsRubyLayout } = await import('./aws-ruby.ts')
      return awsRubyLayout(keys('session_id', ''))
    }
    case 'native':
    case undefined:
      throw invalidArgument('INVALID_OPTION', 'the native layout is not one of other software')
  }
}
