// @huggingface/hub against a development hub.
//
// Usage: hub.mjs FOLDER MODULES ENDPOINT TOKEN
//
// FOLDER has published.json, which says what another client has published, and
// gets pushed.json, which says what this one leaves there: {"repo", "revision",
// "files": {path: SHA-256}}. MODULES is where setup.sh has installed.

import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [folder, modules, hubUrl, accessToken] = process.argv.slice(2)
const load = name => import(pathToFileURL(createRequire(join(modules, 'package.json')).resolve(name)))
const hub = await load('@huggingface/hub')

const main = { type: 'dataset', name: 'tester/javascript' }
const on = { hubUrl, accessToken }
const nowhere = '0123456789abcdef0123456789abcdef01234567'
const at = name => ({ type: 'dataset', name })

function check(condition, ...what) {
  if (!condition) throw new Error(what.map(w => typeof w === 'string' ? w : JSON.stringify(w)).join(' '))
}

const sha256 = content => createHash('sha256').update(content).digest('hex')
const gitID = content => createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex')
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b)
const bytes = async blob => Buffer.from(await blob.arrayBuffer())

async function fails(call, status) {
  try {
    await call()
  } catch (e) {
    check(e.statusCode === status, 'status', e.statusCode ?? String(e), 'not', status)
    return e
  }
  throw new Error(`${call} does not fail`)
}

async function all(iterator) {
  const list = []
  for await (const entry of iterator) list.push(entry)
  return list
}

const blob = Buffer.concat(Array.from({ length: 12 << 15 }, (_, i) => createHash('sha256').update(`${i}`).digest()).concat(Buffer.from('end')))
const readme = Buffer.from('---\nlicense: odc-by\n---\n\n# Read me\n')
const file = (path, content) => ({ path, content: new Blob([content]) })
const upload = (files, options) => hub.uploadFiles({ repo: main, files, useXet: false, ...on, ...options })
const list = async (repo, options) => (await all(hub.listFiles({ repo, recursive: true, ...on, ...options })))
const commits = async (repo = main) => (await all(hub.listCommits({ repo, ...on }))).map(c => c.oid)
const read = async (repo, path, revision) => bytes(await hub.downloadFile({ repo, path, revision, xet: false, ...on }))

const steps = {
  async whoAmI() {
    const who = await hub.whoAmI(on)
    check(who.name === 'tester' && who.type === 'user' && who.auth.accessToken.role === 'write', who)
  },

  async createRepo() {
    const made = await hub.createRepo({ repo: main, ...on })
    check(made.repoUrl.endsWith('/datasets/' + main.name), made)
    await fails(() => hub.createRepo({ repo: main, ...on }), 409)
    check(await hub.repoExists({ repo: main, ...on }) && !await hub.repoExists({ repo: at('tester/nowhere'), ...on }), 'repoExists')
    await hub.checkRepoAccess({ repo: main, ...on })
    await fails(() => hub.checkRepoAccess({ repo: at('tester/nowhere'), ...on }), 404)
  },

  async uploadFiles() {
    const before = (await commits())[0]
    const made = await upload([file('data/blob.parquet', blob), file('README.md', readme), file('empty', '')], { parentCommit: before })
    check(same((await commits()).slice(0, 2), [made.commit.oid, before]), made)
    check(await hub.countCommits({ repo: main, ...on }) === 2, 'countCommits')
  },

  async listFiles() {
    const entries = Object.fromEntries((await list(main, { expand: true })).map(e => [e.path, e]))
    check(same(Object.keys(entries).sort(), ['.gitattributes', 'README.md', 'data', 'data/blob.parquet', 'empty']), Object.keys(entries))
    check(entries['data/blob.parquet'].lfs.oid === sha256(blob) && entries['data/blob.parquet'].size === blob.length, entries)
    check(entries['README.md'].oid === gitID(readme) && !entries['README.md'].lfs && entries.data.type === 'directory', entries)
    check(entries['README.md'].lastCommit.id === (await commits())[0], entries)
    check(same((await list(main, { path: 'data' })).map(e => e.path), ['data/blob.parquet']), 'a folder')
  },

  async downloadFile() {
    const path = 'data/blob.parquet'
    check(await hub.fileExists({ repo: main, path, ...on }) && !await hub.fileExists({ repo: main, path: 'nothing', ...on }), 'fileExists')
    const info = await hub.fileDownloadInfo({ repo: main, path, ...on })
    check(info.size === blob.length && info.etag, info)
    check(sha256(await read(main, path)) === sha256(blob), 'whole')
    const lazy = await hub.downloadFile({ repo: main, path, xet: false, ...on })
    check(blob.subarray(5_000_000, 5_000_100).equals(await bytes(lazy.slice(5_000_000, 5_000_100))), 'a slice')
    const pointer = await bytes(await hub.downloadFile({ repo: main, path, raw: true, ...on }))
    check(pointer.toString() === `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256(blob)}\nsize ${blob.length}\n`, pointer.toString())
    check(await hub.downloadFile({ repo: main, path: 'nothing', ...on }) === null, 'a missing file is not null')
  },

  async info() {
    const paths = await hub.pathsInfo({ repo: main, paths: ['README.md', 'nothing', 'data'], expand: true, ...on })
    check(same(paths.map(p => p.path).sort(), ['README.md', 'data']), paths)
    const found = await hub.datasetInfo({ name: main.name, additionalFields: ['sha'], ...on })
    check(found.name === main.name && found.sha === (await commits())[0] && !found.private && found.gated === false, found)
  },

  async branches() {
    const head = (await commits())[0]
    await hub.createBranch({ repo: main, branch: 'side', ...on })
    await fails(() => hub.createBranch({ repo: main, branch: 'side', ...on }), 409)
    await upload([file('side.txt', 'side')], { branch: 'side' })
    check((await commits())[0] === head, 'main has moved')
    check((await read(main, 'side.txt', 'side')).toString() === 'side', 'side')
    await hub.deleteBranch({ repo: main, branch: 'side', ...on })
    await fails(() => list(main, { revision: 'side' }), 404)
  },

  async pullRequests() {
    const head = (await commits())[0]
    const made = await upload([file('proposed.parquet', blob.subarray(0, 1000))], { isPullRequest: true })
    check(made.pullRequestUrl.endsWith('/discussions/1') && (await commits())[0] === head, made)
    check(blob.subarray(0, 1000).equals(await read(main, 'proposed.parquet', 'refs/pr/1')), 'refs/pr/1')
    check(await hub.downloadFile({ repo: main, path: 'proposed.parquet', ...on }) === null, 'it is in main')
  },

  async parents() {
    const add = (content, parentCommit) => hub.commit({
      repo: main, title: content, parentCommit, useXet: false, operations: [{ operation: 'addOrUpdate', ...file('a.txt', content) }], ...on,
    })
    await fails(() => add('x', nowhere), 404)
    const a = (await add('a')).commit.oid
    await add('b', a)
    await fails(() => add('c', a), 412)
    check((await read(main, 'a.txt')).toString() === 'b', 'a stale commit landed')
    check((await read(main, 'a.txt', a)).toString() === 'a', 'the commit has changed')
  },

  async deleteFiles() {
    await hub.deleteFiles({ repo: main, paths: ['a.txt', 'empty'], ...on })
    check(!(await list(main)).some(e => e.path === 'a.txt' || e.path === 'empty'), 'still there')
  },

  // Without the empty file: the client asks for its first byte, which it has not.
  async snapshotDownload() {
    const cacheDir = await mkdtemp(join(tmpdir(), 'interop-'))
    const snapshot = await hub.snapshotDownload({ repo: main, cacheDir, xet: false, ...on })
    check(sha256(await readFile(join(snapshot, 'data/blob.parquet'))) === sha256(blob), 'snapshot')
    await rm(cacheDir, { recursive: true })
  },

  async manyFilesAndOddNames() {
    const names = Array.from({ length: 250 }, (_, i) => `many/${i}.txt`).concat('odd/a b+c.txt', 'odd/é 日本.txt', 'odd/[x]&=.parquet', 'odd/#1%41?.txt')
    await upload(names.map(name => file(name, name)))
    const there = new Set((await list(main)).map(e => e.path))
    check(names.every(name => there.has(name)), names.filter(name => !there.has(name)))
    for (const name of names.slice(-4)) {
      // The client leaves paths as they are; their escapes are the caller's.
      check((await read(main, name.split('/').map(encodeURIComponent).join('/'))).toString() === name, name)
    }
  },

  async errors() {
    await fails(() => list(at('tester/nowhere')), 404)
    await fails(() => list(main, { revision: 'nothing' }), 404)
    await fails(() => hub.listCommits({ repo: at('tester/nowhere'), ...on }).next(), 404)
    await fails(() => upload([file('a', 'a')], { repo: at('tester/nowhere') }), 404)
    await fails(() => upload([file('a', 'a')], { accessToken: undefined }), 401)
  },

  async privateRepository() {
    const repo = at('tester/js-secret')
    await hub.createRepo({ repo, private: true, ...on })
    await upload([file('a.parquet', blob.subarray(0, 500))], { repo })
    check((await hub.datasetInfo({ name: repo.name, ...on })).private, 'not private')
    await fails(() => hub.datasetInfo({ name: repo.name, hubUrl }), 401)
    await fails(() => hub.downloadFile({ repo, path: 'a.parquet', hubUrl }), 401)
    check(blob.subarray(0, 500).equals(await read(repo, 'a.parquet')), 'its owner cannot read it')
    await hub.deleteRepo({ repo, ...on })
    await fails(() => hub.checkRepoAccess({ repo, ...on }), 404)
  },

  async pullWhatOthersPublished() {
    const published = JSON.parse(await readFile(join(folder, 'published.json')))
    const repo = at(published.repo)
    const entries = (await list(repo, { revision: published.revision })).filter(e => e.type === 'file' && e.path !== '.gitattributes')
    check(same(entries.map(e => e.path).sort(), Object.keys(published.files).sort()), entries.map(e => e.path))
    for (const { path, lfs, size } of entries) {
      check(!lfs || lfs.oid === published.files[path], path, 'is', lfs?.oid)
      check(Boolean(lfs) || !path.endsWith('.parquet'), path, 'is not in LFS')
      const content = size === 0 ? '' : await read(repo, encodeURI(path), published.revision)
      check(sha256(content) === published.files[path], path)
    }
  },

  async leaveSomethingToPull() {
    const repo = at('tester/pushed-by-javascript')
    await hub.createRepo({ repo, ...on })
    const contents = {
      'README.md': readme, 'empty.txt': Buffer.of(), 'data/blob.parquet': blob, 'data/small.parquet': blob.subarray(0, 77),
      'large.bin': blob.subarray(1), 'data/é %41 #?.txt': Buffer.from('text é\n'),
    }
    const made = await upload(Object.entries(contents).map(([path, content]) => file(path, content)), { repo })
    const files = Object.fromEntries(Object.entries(contents).map(([path, content]) => [path, sha256(content)]))
    await writeFile(join(folder, 'pushed.json'), JSON.stringify({ repo: repo.name, revision: made.commit.oid, files }))
  },
}

for (const [name, step] of Object.entries(steps)) {
  try {
    await step()
  } catch (e) {
    e.message = `${name}: ${e.message}`
    throw e
  }
  console.log(name)
}
