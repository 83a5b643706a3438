// The body of a claim. The API document, the checks of the class and the compiled check of the hot path come from the
// same decorators.
import { compileBody } from '@gravity/http';
import { IdField, IntegerField, RegionField, schemaOf, TotalBody, TotalField } from '@gravity/service';

const QUANTITY_MAX = 1_000;

export class PlaceClaimBody {
  @IdField('item')
  itemId: string;

  @IntegerField({ min: 1, max: QUANTITY_MAX })
  quantity: number;

  @RegionField({ description: 'Where the goods go (ISO 3166)' })
  regionCode: string;

  @TotalField({
    zero: true,
    optional: true,
    description: 'The total the buyer saw; the claim is refused when it is not the present price',
  })
  expectedTotal?: TotalBody;
}

/** Checks a parsed body a hundred times faster than the class does. */
export const placeClaimBody = compileBody<PlaceClaimBody>(schemaOf(PlaceClaimBody));
