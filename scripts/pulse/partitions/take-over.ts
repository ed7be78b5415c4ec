import { lookAtGroup, takeOverGroup } from '../../../etl/partitions/take-over.ts'
import { confirm } from '../confirm.ts'
import { thisOperator } from '../operator.ts'
import { print } from '../output.ts'
import { inSession } from '../session.ts'

/** Makes the consumer group this warehouse's, after saying whose it is. */
export async function takeOver({ by, yes = false }: { by?: string; yes?: boolean }): Promise<void> {
  await inSession(async ({ config, pool, kafka }) => {
    const { KAFKA_TOPIC: topic, KAFKA_GROUP_ID: groupId } = config
    const now = await lookAtGroup(pool, kafka, { topic, groupId })
    if (now.others.length === 0) return print(`The group ${groupId} is this warehouse's: nothing to do.`)
    await confirm(
      `The offsets of group ${groupId} are those of ${now.others.join(' and ')}.\n` +
        `This is ${now.owner}. It will have the group for itself and load ${topic} from its own watermarks; ` +
        'the other one, should it start again, stays out and says so.',
      groupId,
      yes,
    )
    await takeOverGroup(pool, kafka, thisOperator(by), now)
    print(
      `The group ${groupId} is this warehouse's. Its partitions go on at the next run: pulse status --watch`,
    )
  })
}
