/** What the producer makes of the streams together: one shop. */
export { story } from './shop/story.ts'
