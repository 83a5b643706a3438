import type { Problem } from '@gravity/contracts';
import { grpcFailure } from '@gravity/http';
import { refusalOf } from './grpc-problem';

it('reads every detail of a refusal, and its absence', () => {
  const problem: Problem = {
    code: 'sold-out',
    detail: 'Nothing left.',
    retryAfterSeconds: 3,
    errors: [{ pointer: '/quantity', message: 'is too large' }],
  };
  expect(refusalOf(grpcFailure(problem, 'req_1'))).toEqual(problem);
  expect(refusalOf(grpcFailure({ code: 'not-found', detail: 'No.' }, 'req_1'))).toEqual({
    code: 'not-found',
    detail: 'No.',
  });
  const broken = grpcFailure(problem, 'req_1');
  broken.metadata.set('grpc-status-details-bin', Buffer.from([0xff, 0xff, 0xff]));
  expect(refusalOf(broken)).toEqual({ code: 'sold-out', detail: 'Nothing left.' });
});
