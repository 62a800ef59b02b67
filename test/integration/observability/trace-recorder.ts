import { type Channel, channel } from 'node:diagnostics_channel'

import { onTestFinished } from 'vitest'

/** The events of a tracing channel. */
export const eventNames = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const

/** What a channel has published. */
export interface Published {
  readonly channel: string
  readonly event: (typeof eventNames)[number]
  /** The message itself; it changes from event to event. */
  readonly message: object
  /** What the message held when it was published. */
  readonly held: Readonly<Record<string, unknown>>
}

/** Channel of one event, by the name that subscribers have to use. */
export function eventChannel(name: string, event: (typeof eventNames)[number]): Channel {
  return channel(`tracing:dynamodb-sessions:${name}:${event}`)
}

/** Writes down, until the test ends, what the channels of these names publish. */
export class TraceRecorder {
  readonly published: Published[] = []

  constructor(...names: readonly string[]) {
    for (const name of names) {
      for (const event of eventNames) {
        subscribeForTest(name, event, message => {
          this.published.push({ channel: name, event, message, held: { ...message } })
        })
      }
    }
  }

  /** Channel and event of everything published, in order. */
  get order(): readonly string[] {
    return this.published.map(({ channel: name, event }) => `${name} ${event}`)
  }

  /** What the messages of a channel held at their last event, in the order of their ends. */
  ended(name: string): readonly Readonly<Record<string, unknown>>[] {
    return this.published
      .filter(({ channel: published, event }) => published === name && event === 'asyncEnd')
      .map(({ held }) => held)
  }

  forget(): void {
    this.published.length = 0
  }
}

/** Subscribes to one event until the test ends. */
export function subscribeForTest(
  name: string,
  event: (typeof eventNames)[number],
  listener: (message: object) => void,
): void {
  const subscriber = (message: unknown): void => {
    if (typeof message !== 'object' || message === null) throw new Error('a message is an object')
    listener(message)
  }
  const subscribed = eventChannel(name, event)
  subscribed.subscribe(subscriber)
  onTestFinished(() => {
    subscribed.unsubscribe(subscriber)
  })
}
