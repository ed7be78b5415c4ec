import { expect, test } from 'vitest'
import { readAlertGroups, readProvisioning, readText } from '../support/grafana-files.ts'
import { expandEnvironment } from '../support/grafana-macros.ts'

const HAND_WRITTEN = [
  'datasources/warehouse.yaml',
  'dashboards/pulse.yaml',
  'alerting/contact-points.yaml',
  'alerting/policies.yaml',
]

interface Datasource {
  type: string
  uid: string
  url: string
  user: string
  editable: boolean
  secureJsonData: { password: string }
  jsonData: Record<string, string>
}
interface ContactPoint {
  name: string
  receivers: { uid: string; type: string; settings: Record<string, unknown> }[]
}
interface Policy {
  receiver: string
  group_by: string[]
  routes: { receiver: string; object_matchers: string[][] }[]
}

const { datasources } = readProvisioning('datasources/warehouse.yaml') as { datasources: Datasource[] }
const [datasource] = datasources
const { contactPoints } = readProvisioning('alerting/contact-points.yaml') as {
  contactPoints: ContactPoint[]
}
const { policies } = readProvisioning('alerting/policies.yaml') as { policies: Policy[] }
const [policy] = policies

test('the data source takes its address, login and TLS from the environment', () => {
  expect(datasource).toMatchObject({
    type: 'grafana-postgresql-datasource',
    uid: 'warehouse',
    editable: false,
    url: '$GF_PULSE_DB_ADDRESS',
    user: '$GF_PULSE_DB_USER',
    secureJsonData: { password: '$GF_PULSE_DB_PASSWORD' },
    jsonData: { database: '$GF_PULSE_DB_NAME', sslmode: '$GF_PULSE_DB_SSLMODE' },
  })
})

test('a password with dollar signs arrives as it is', () => {
  const env = { GF_PULSE_DB_PASSWORD: 'a$HOME${b}$$c', HOME: '/root' }
  expect(expandEnvironment(datasource!.secureJsonData.password, env)).toBe('a$HOME${b}$$c')
})

test('alerts go to email, Slack or a webhook, each addressed by the environment', () => {
  const settings = contactPoints.map(({ name, receivers: [receiver] }) => [
    name,
    receiver?.type,
    receiver?.settings['addresses'] ?? receiver?.settings['url'],
  ])
  expect(settings).toEqual([
    ['email', 'email', '$GF_PULSE_EMAIL_TO'],
    ['slack', 'slack', '$GF_PULSE_SLACK_URL'],
    ['webhook', 'webhook', '$GF_PULSE_WEBHOOK_URL'],
  ])
})

test.each(['email', 'slack', 'webhook'])('warnings and critical alerts can go to %s', (name) => {
  const env = { GF_PULSE_ALERTS_TO: name, GF_PULSE_CRITICAL_TO: name }
  const receivers = [policy!.receiver, ...policy!.routes.map(({ receiver }) => receiver)]
  for (const receiver of receivers) {
    expect(contactPoints.map((point) => point.name)).toContain(expandEnvironment(receiver, env))
  }
})

test('what is critical takes its own way, and partitions with one trouble share a message', () => {
  expect(policy!.group_by).toEqual(['service', 'alertname'])
  expect(policy!.routes.map(({ object_matchers }) => object_matchers)).toEqual([
    [['severity', '=', 'critical']],
  ])
  const severities = readAlertGroups().flatMap(({ rules }) => rules.map(({ labels }) => labels['severity']))
  expect(severities).toContain('critical')
})

test('dashboards and alerts share a folder, and nobody edits them in the browser', () => {
  const { providers } = readProvisioning('dashboards/pulse.yaml') as { providers: Record<string, unknown>[] }
  expect(providers).toMatchObject([{ allowUiUpdates: false, disableDeletion: true }])
  expect(readAlertGroups().map(({ folder }) => folder)).toEqual([providers[0]!['folder']])
})

test('every variable is explained, and none is explained that nobody reads', () => {
  const read = HAND_WRITTEN.flatMap((path) => {
    const values = readText(`grafana/provisioning/${path}`).replaceAll(/#.*/g, '')
    return values.match(/GF_\w+/g) ?? []
  })
  const explained = readText('grafana/README.md').matchAll(/^\| `(GF_\w+)`/gm)
  expect(new Set([...explained].map(([, name]) => name))).toEqual(new Set(read))
})

test.each(HAND_WRITTEN)(
  'no variable of %s stands in braces: Grafana would expand its value once more',
  (path) => {
    const values = readText(`grafana/provisioning/${path}`).replaceAll(/#.*/g, '')
    expect(values).not.toContain('${')
  },
)
