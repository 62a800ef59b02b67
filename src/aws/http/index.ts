export { fetchTransport, type FetchTransportOptions } from './fetch-transport.ts'
export type { Endpoint } from './endpoint.ts'
export type {
  ResponseBody,
  ResponseRecipient,
  Transport,
  TransportRequest,
  TransportResponse,
} from './transport.ts'
