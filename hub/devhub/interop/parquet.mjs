// hyparquet reads the shards and ledgers of a folder.
//
// Usage: parquet.mjs FOLDER MODULES [URL]
//
// FOLDER has the files and expected.json, which says what is in them; MODULES is
// where setup.sh has installed. Rows are compared by the root that a manifest
// states, as in parquet.py. With a URL single rows of the files below it are read
// too, by ranges.

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [folder, modules, url] = process.argv.slice(2)
const load = name => import(pathToFileURL(createRequire(join(modules, 'package.json')).resolve(name)))
const { asyncBufferFromFile, asyncBufferFromUrl, parquetMetadataAsync, parquetQuery, parquetReadObjects } = await load('hyparquet')
const { compressors } = await load('hyparquet-compressors')

const columns = {
  shard: 'text:string id:string dump:string url:string date:string file_path:string language:string language_score:double ' +
    'token_count:int64 warc_offset:int64 warc_length:int32',
  ledger: 'file:int32 offset:int64 length:int64 id:string outcome:string reason:string value:double language:string ' +
    'language_score:double characters:int64 band_keys:uint64[] kept_file:int32 kept_offset:int64',
}

function check(condition, ...what) {
  if (!condition) throw new Error(what.join(' '))
}

// typed names a column and its type as hyparquet understands them.
function typed({ name, type, converted_type, repetition_type }) {
  const names = { BYTE_ARRAY: 'bytes', DOUBLE: 'double', INT32: 'int32', INT64: 'int64' }
  const converted = { UTF8: 'string', UINT_64: 'uint64' }
  return `${name}:${converted[converted_type] ?? names[type]}${repetition_type === 'REPEATED' ? '[]' : ''}`
}

// canonical is the row as in a Merkle leaf: floats as their bits, band keys as
// one string.
function canonical(row, kind) {
  const hex = (write, value) => {
    const b = Buffer.alloc(8)
    b[write](value)
    return b.toString('hex')
  }
  return '[' + columns[kind].split(' ').map(column => {
    const [name, type] = column.split(':')
    const value = row[name]
    switch (type) {
      case 'string': return JSON.stringify(value)
      case 'double': return JSON.stringify(hex('writeDoubleBE', value))
      case 'uint64[]': return JSON.stringify(Array.from(value ?? [], key => hex('writeBigUInt64BE', key)).join(''))
      case 'int32': check(typeof value === 'number', name, typeof value); return String(value)
      default: check(typeof value === 'bigint', name, typeof value); return String(value)
    }
  }).join(',') + ']'
}

const sha256 = (...parts) => parts.reduce((h, p) => h.update(p), createHash('sha256')).digest()

class Root {
  size = 0
  peaks = []
  add(entry) {
    let node = sha256(Buffer.of(0), entry)
    for (let n = this.size; n & 1; n >>= 1) node = sha256(Buffer.of(1), this.peaks.pop(), node)
    this.peaks.push(node)
    this.size++
  }
  hex() {
    return this.peaks.reduceRight((root, peak) => sha256(Buffer.of(1), peak, root)).toString('hex')
  }
}

// counted counts the bytes that are read of a file.
function counted(file) {
  const out = { byteLength: file.byteLength, bytes: 0, async slice(start, end = file.byteLength) {
    out.bytes += end - start
    return file.slice(start, end)
  } }
  return out
}

async function readAll(expected, file, metadata) {
  const root = new Root()
  const points = new Map(expected.points.map(p => [p.position, p.row]))
  for (let rowStart = 0, g = 0; g < metadata.row_groups.length; g++) {
    const rowEnd = rowStart + Number(metadata.row_groups[g].num_rows)
    for (const row of await parquetReadObjects({ file, metadata, compressors, rowStart, rowEnd })) {
      const line = canonical(row, expected.kind)
      const point = points.get(root.size)
      check(!point || point === line, expected.path, 'row', root.size, 'is', line.slice(0, 400), 'not', point?.slice(0, 400))
      root.add(line)
    }
    rowStart = rowEnd
  }
  check(root.size === expected.rows, expected.path, 'has', root.size, 'rows')
  check(root.hex() === expected.root, expected.path, 'has other rows')
}

// readPoints reads single rows by their position, through the page index, and by
// their id, through the bloom filter too. Of a large row group one costs a small
// part.
async function readPoints(expected, source, metadata) {
  for (const { position, id, group, row } of expected.points) {
    const file = counted(source)
    const limit = Math.max(expected.lengths[group] / 4, 1 << 20)
    const [read] = await parquetReadObjects({
      file, metadata, compressors, rowStart: position, rowEnd: position + 1, useOffsetIndex: true,
    })
    check(canonical(read, expected.kind) === row, expected.path, 'row', position, 'by the page index')
    check(file.bytes < limit, expected.path, 'row', position, 'costs', file.bytes, 'of', expected.lengths[group], 'bytes')

    const query = { metadata, compressors, useBloomFilters: true, usePageIndex: true, useOffsetIndex: true }
    const found = await parquetQuery({ ...query, file: source, filter: { id: { $eq: id } } })
    check(found.some(r => canonical(r, expected.kind) === row), expected.path, 'finds no', id)
  }
  const file = counted(source)
  const none = await parquetQuery({ file, metadata, compressors, useBloomFilters: true, filter: { id: { $eq: '<urn:uuid:is-in-no-file>' } } })
  check(none.length === 0, expected.path, 'finds what it has not')
  if (expected.groups.length > 1) check(file.bytes < file.byteLength / 4, expected.path, 'reads', file.bytes, 'bytes for an id that it has not')
}

async function checkMetadata(expected, file) {
  const metadata = await parquetMetadataAsync(file)
  const schema = metadata.schema.slice(1).map(typed).join(' ')
  check(schema === columns[expected.kind], expected.path, 'has the columns', schema)
  const groups = metadata.row_groups.map(g => Number(g.num_rows))
  check(groups.join() === expected.groups.join(), expected.path, 'has row groups of', groups)
  for (const g of metadata.row_groups) {
    for (const { meta_data: m } of g.columns) {
      const name = m.path_in_schema[0]
      check(m.codec === 'ZSTD', expected.path, name, m.codec)
      check((m.statistics?.min_value === undefined) === (name === 'text') || name === 'band_keys', expected.path, name, 'statistics')
      check(Boolean(m.bloom_filter_offset) === (name === 'id'), expected.path, name, 'filter at', m.bloom_filter_offset)
    }
  }
  return metadata
}

for (const expected of JSON.parse(await readFile(join(folder, 'expected.json')))) {
  const file = await asyncBufferFromFile(join(folder, expected.path))
  const metadata = await checkMetadata(expected, file)
  await readAll(expected, file, metadata)
  await readPoints(expected, file, metadata)
  if (url) {
    const remote = await asyncBufferFromUrl({ url: `${url}/${expected.path}` })
    await readPoints(expected, remote, await checkMetadata(expected, remote))
  }
  console.log(expected.path, 'rows', expected.rows, 'in', expected.groups.join())
}
