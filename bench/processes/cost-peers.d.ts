declare module 'dynamodb-store' {
  interface Store {
    get(sid: string, callback: (error: unknown, session?: object | null) => void): void
  }
  const Store: new (options: object, callback: (error?: unknown) => void) => Store
  export default Store
}
