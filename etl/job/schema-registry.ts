import pRetry, { AbortError } from 'p-retry'
import { z } from 'zod'
import { MAX_SCHEMA_ID } from '../ledger/schemas.ts'
import { SCHEMA_TYPES } from '../schema/audit.ts'
import type { RegisteredSchema, SchemaImport } from '../stream/envelopes/schemas.ts'
import { plain } from '../text/excerpt.ts'
import { messageOf } from '../text/message-of.ts'

export interface RegistrySettings {
  readonly SCHEMA_REGISTRY_URL?: string | undefined
  readonly SCHEMA_REGISTRY_USER?: string | undefined
  readonly SCHEMA_REGISTRY_PASSWORD?: string | undefined
}

/** A schema registry that speaks Confluent's API: their own, Apicurio (`/apis/ccompat/v7`), Karapace, Redpanda. */
export interface SchemaRegistry {
  /**
   * @returns undefined where the registry says that it has no such schema.
   * @throws Error where it is away, fails or lets us not in: nothing can be said of the schema then.
   */
  ask(id: number, signal: AbortSignal): Promise<RegisteredSchema | undefined>
}

const ANSWER_MS = 10_000
const RETRIES = 3
/** Of all texts of a schema, with those that it refers to. */
const MAX_TEXT_LENGTH = 4 * 1024 * 1024
const MAX_IMPORTS = 200

/** What registries say beside 404 where subject, version or schema is what is missing, and not the page. */
const MISSING = [40_401, 40_402, 40_403]

const Answer = z.object({
  schema: z.string(),
  schemaType: z.enum(SCHEMA_TYPES).default('AVRO'),
  references: z
    .array(z.object({ name: z.string(), subject: z.string(), version: z.int() }))
    .nullish()
    .transform((references) => references ?? []),
})
type Answer = z.output<typeof Answer>

/** @param retryAfterMs of the first of three further attempts, where it is away; the next ones wait three times as long. */
export function openRegistry(settings: RegistrySettings, { retryAfterMs = 500 } = {}): SchemaRegistry {
  const { SCHEMA_REGISTRY_URL: url } = settings
  if (url === undefined)
    return {
      ask: (id) => {
        throw new Error(
          `a record names schema ${id}, which the warehouse has not seen yet, and SCHEMA_REGISTRY_URL is not set`,
        )
      },
    }
  const named = `the schema registry ${url}`
  const get = (path: string, signal: AbortSignal) =>
    pRetry(() => once(`${url}${path}`, settings, named, signal), {
      retries: RETRIES,
      factor: 3,
      minTimeout: retryAfterMs,
      randomize: true,
      signal,
    })

  const importsOf = async ({ references }: Answer, signal: AbortSignal, known: Map<string, SchemaImport>) => {
    for (const { name, subject, version } of references) {
      if (known.has(name)) continue
      if (known.size >= MAX_IMPORTS)
        throw new Error(`${named}: a schema refers to more than ${MAX_IMPORTS} others`)
      const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}`
      const answer = await get(path, signal)
      if (answer === undefined)
        throw new Error(`${named} has no ${subject}, version ${version}, which another refers to`)
      // Marked first, and put last: those that it refers to come before it, and a circle ends.
      known.set(name, { name, text: answer.schema })
      await importsOf(answer, signal, known)
      known.delete(name)
      known.set(name, { name, text: answer.schema })
    }
    return known
  }

  return {
    ask: async (id, signal) => {
      if (id > MAX_SCHEMA_ID) return undefined
      const answer = await get(`/schemas/ids/${id}`, signal)
      if (answer === undefined) return undefined
      const imports = [...(await importsOf(answer, signal, new Map())).values()]
      const length = imports.reduce((sum, { text }) => sum + text.length, answer.schema.length)
      if (length > MAX_TEXT_LENGTH) throw new Error(`${named}: schema ${id} has ${length} characters`)
      return { id, type: answer.schemaType, text: answer.schema, imports }
    },
  }
}

async function once(
  url: string,
  { SCHEMA_REGISTRY_USER: user, SCHEMA_REGISTRY_PASSWORD: password }: RegistrySettings,
  named: string,
  signal: AbortSignal,
): Promise<Answer | undefined> {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  const away = (why: string) => new Error(`${named} is out of reach: ${plain(why, 200)}`)
  const response = await fetch(url, {
    headers: { accept: 'application/json', ...(user !== undefined && { authorization }) },
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    redirect: 'error',
  }).catch((error: unknown) => {
    signal.throwIfAborted()
    const { cause } = error as { cause?: unknown }
    throw away(cause === undefined ? messageOf(error) : messageOf(cause))
  })
  const text = await response.text()
  if (response.status >= 500 || response.status === 429) throw away(`it answers ${response.status}`)
  const said = jsonOf(text)
  if (
    response.status === 404 &&
    MISSING.includes(Number((said as { error_code?: unknown } | undefined)?.error_code))
  )
    return undefined
  const refused = (why: string) => new AbortError(`${named} ${why}`)
  if (response.status === 401 || response.status === 403)
    throw refused(
      `lets us not in (${response.status}): set SCHEMA_REGISTRY_USER and SCHEMA_REGISTRY_PASSWORD to who may read schemas`,
    )
  if (response.status === 404)
    throw refused(
      'has no such page (404): SCHEMA_REGISTRY_URL must be where /schemas/ids is, such as …/apis/ccompat/v7',
    )
  const answer = response.ok ? Answer.safeParse(said) : undefined
  if (answer?.success !== true) throw refused(`gives no schema but ${response.status}: ${plain(text, 120)}`)
  return answer.data
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
