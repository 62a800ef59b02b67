'use server'

import { cookies } from 'next/headers'
import { redirect } from 'next/navigation'

import { sessions } from '../lib/sessions.js'

export async function signIn(form) {
  const session = await sessions.get(await cookies())
  session.regenerate()
  session.set('user', form.get('user'))
  await session.save()
  redirect('/')
}

export async function signOut() {
  const session = await sessions.get(await cookies())
  await session.destroy()
}

export async function signOutEverywhere() {
  const session = await sessions.get(await cookies())
  await sessions.store.destroyByUser(session.get('user'), { except: session.id })
}
