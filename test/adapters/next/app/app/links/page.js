import Link from 'next/link'

const numbers = Array.from({ length: 20 }, (_, index) => index)

export default function Links() {
  return numbers.map(number => (
    <Link key={number} href={`/linked/${number}`} prefetch>
      {number}
    </Link>
  ))
}
