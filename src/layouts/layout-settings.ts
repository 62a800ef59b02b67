/** The ways of writing sessions as items that the package knows. */
export const LAYOUT_NAMES = [
  'native',
  'php',
  'connect-dynamodb',
  'dynamodb-store',
  'connect-dynamodb-session',
  'pwrdrvr',
  'serverless-dynamodb-session-store',
  'koa-session-dynamodb',
  'adonis',
  'architect',
  'aws-ruby',
  'laravel',
] as const

/** Name of a way of writing sessions as items. */
export type LayoutName = (typeof LAYOUT_NAMES)[number]

/** An attribute that connect-dynamodb writes beside the session, for indexes: its option `specialKeys`. */
export interface SpecialKey {
  /** Top-level key of the session data, and name of the attribute. */
  readonly name: string
  /** DynamoDB type of the attribute. */
  readonly type: 'S' | 'N' | 'BOOL'
}

/** Options of the layout `php`. */
export interface PhpLayoutOptions {
  /**
   * Layout `php`: PHP's `session.name`, which keys start with.
   *
   * @default 'PHPSESSID'
   */
  readonly sessionName?: string | undefined

  /**
   * Layout `php`: PHP's `session.serialize_handler`.
   *
   * @default 'php'
   */
  readonly serializer?: 'php' | 'php_serialize' | 'php_binary' | undefined

  /**
   * Layout `php`: whether the data are in base64, as Idealstack's handler writes them by default.
   *
   * @default false
   */
  readonly base64?: boolean | undefined

  /**
   * Layout `php`: what an empty PHP array is in JavaScript.
   *
   * @default 'list'
   */
  readonly emptyArray?: 'list' | 'map' | undefined

  /**
   * Layout `php`: the attribute that holds the data (`data_attribute`).
   *
   * @default 'data'
   */
  readonly dataAttribute?: string | undefined

  /**
   * Layout `php`: the type of that attribute (`data_attribute_type`).
   *
   * @default 'string'
   */
  readonly dataAttributeType?: 'string' | 'binary' | undefined

  /**
   * Layout `php`: the attribute that holds the expiry (`session_lifetime_attribute`).
   *
   * @default 'expires'
   */
  readonly ttlAttribute?: string | undefined

  /**
   * Layout `php`: a lock that has been seen unchanged for this long is taken for left behind by a request that crashed, and
   * taken over. Seconds; 0 waits for ever, as PHP does.
   *
   * @default 60
   */
  readonly staleLockSeconds?: number | undefined
}

/** Options of the layout `laravel`. */
export interface LaravelLayoutOptions {
  /**
   * Layout `laravel`: how new sessions are written, Laravel's `session.serialization`. A stored session keeps its own.
   *
   * @default 'php'
   */
  readonly serialization?: 'php' | 'json' | undefined
}

/** Options of the layout `connect-dynamodb`. */
export interface ConnectDynamoDBLayoutOptions {
  /**
   * Layout `connect-dynamodb`: attributes that are written beside the session.
   *
   * @default none
   */
  readonly specialKeys?: readonly SpecialKey[] | undefined
}

/**
 * How sessions are written as items. Every option but `layout`, `partitionKey` and `prefix` belongs to one layout, and is a
 * mistake with another.
 */
export interface LayoutOptions extends PhpLayoutOptions, LaravelLayoutOptions, ConnectDynamoDBLayoutOptions {
  /**
   * The layout: the package's own, or that of other software which shares the table, or used to have it. docs/layouts.md
   * tells which of the guarantees each can carry.
   *
   * @default 'native'
   */
  readonly layout?: LayoutName | undefined

  /**
   * Name of the table's partition key, an attribute of type S.
   *
   * @default what the layout's own software takes; 'id' for the native one
   */
  readonly partitionKey?: string | undefined

  /**
   * Text that every key of this store starts with. It separates the namespaces of one table: `keys`, `records`,
   * `count` and `clear` see only theirs. With plain session IDs prefixes must not be the beginning of one another.
   *
   * @default what the layout's own software takes; '' for the native one
   */
  readonly prefix?: string | undefined
}
