import { createFileRoute } from '@tanstack/react-router'

import { signIn, signOut, visitor } from '../functions.js'

export const Route = createFileRoute('/')({ loader: () => visitor(), component: Home })

function Home() {
  const { user, visits, message } = Route.useLoaderData()
  return (
    <>
      <p>{`user:${user};visits:${visits};message:${message};`}</p>
      <form method="post" action={signIn.url} encType="multipart/form-data" data-name="sign-in">
        <input name="user" />
      </form>
      <form method="post" action={signOut.url} encType="multipart/form-data" data-name="sign-out"></form>
    </>
  )
}
