import { describe, expect, it } from 'vitest'
import { elementAt, readXml, textAt } from '../../../../src/aws/credentials/xml.ts'
import { assumedRole } from '../../../support/fake-sts.ts'

describe('readXml', () => {
  it('reads elements, and texts as they are', () => {
    expect(readXml('<?xml version="1.0" encoding="UTF-8"?>\n<a x="1" y=\'<\'/>')).toBeUndefined()
    expect(
      readXml('\uFEFF<?xml version="1.0"?>\n<a xmlns="u" q=\'"\'>\n <b> t </b><c/><b\n></b\t>\n</a >\n'),
    ).toEqual({
      name: '',
      text: '',
      children: [
        {
          name: 'a',
          text: '',
          children: [
            { name: 'b', text: ' t ', children: [] },
            { name: 'c', text: '', children: [] },
            { name: 'b', text: '', children: [] },
          ],
        },
      ],
    })
  })

  it('decodes the five named references, and numeric ones', () => {
    const text = '<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x1F600;&#x2b;&amp;lt;</a>'
    expect(textAt(readXml(text), 'a')).toBe('<>&"\'A\u{1F600}+&lt;')
  })

  it.each([
    ['nothing', ''],
    ['blanks', ' \n'],
    ['text', 'Service Unavailable'],
    ['JSON', '{"Credentials":{}}'],
    ['text before the root', 'x<a/>'],
    ['text after the root', '<a/>x'],
    ['a blank before the declaration', ' <?xml version="1.0"?><a/>'],
    ['two roots', '<a/><b/>'],
    ['an end without a start', '</a>'],
    ['an end too many', '<a/></a>'],
    ['ends in the wrong order', '<a><b></a></b>'],
    ['names in different cases', '<a></A>'],
    ['text beside elements', '<a>x<b/></a>'],
    ['a document type', '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'],
    ['a comment', '<a><!-- x --></a>'],
    ['CDATA', '<a><![CDATA[x]]></a>'],
    ['a processing instruction', '<a><?x y?></a>'],
    ['an unknown reference', '<a>&nbsp;</a>'],
    ['a bare ampersand', '<a>x & y</a>'],
    ['an unfinished reference', '<a>&amp</a>'],
    ['the character 0', '<a>&#0;</a>'],
    ['half a character', '<a>&#xD800;</a>'],
    ['no character', '<a>&#x110000;</a>'],
    ['an attribute without quotation marks', '<a b=c></a>'],
    ['an attribute without a value', '<a b></a>'],
    ['a name that begins with a digit', '<1></1>'],
    ['a blank before the name', '< a></a>'],
    ['HTML', '<!doctype html><html><body><br></body></html>'],
    ['nesting without end', '<a>'.repeat(100_000)],
    ['deep nesting', `${'<a>'.repeat(100)}${'</a>'.repeat(100)}`],
  ])('refuses %s', (_, text) => {
    expect(readXml(text)).toBeUndefined()
  })

  it('refuses an answer of STS that is cut short anywhere', () => {
    const complete = assumedRole().body.trimEnd()
    expect(readXml(complete)).toBeDefined()
    for (let length = 0; length < complete.length; length++) {
      expect(readXml(complete.slice(0, length)), `${length} characters`).toBeUndefined()
    }
  })

  it('takes names such as __proto__ for what they are', () => {
    const root = readXml('<a><__proto__>x</__proto__></a>')
    expect(textAt(root, 'a', '__proto__')).toBe('x')
    expect(textAt(root, 'a', 'toString')).toBeUndefined()
  })
})

describe('elementAt and textAt', () => {
  const root = readXml('<a><b><c>x</c><d/></b><e>1</e><e>2</e></a>')

  it('follow a path', () => {
    expect(elementAt(root, 'a', 'b', 'c')).toEqual({ name: 'c', text: 'x', children: [] })
    expect(textAt(root, 'a', 'b', 'c')).toBe('x')
    expect(elementAt(root)).toBe(root)
  })

  it.each([
    ['missing', ['x', 'c']],
    ['there twice', ['e']],
    ['empty', ['b', 'd']],
    ['no text', ['b']],
  ])('give no text where the element is %s', (_, path) => {
    expect(textAt(root, 'a', ...path)).toBeUndefined()
  })

  it('find nothing in nothing', () => {
    expect(elementAt(undefined, 'a')).toBeUndefined()
    expect(textAt(undefined)).toBeUndefined()
  })
})
